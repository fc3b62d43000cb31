"""What is written: numbers as people write them, with the marks that go with them.

A text is made of digits, marks, letters and spaces. Digits that nothing but `JOINING` marks part are one number, so
that "1.234,50" is read as 123450, as every reader of boxes sees it.
"""

from __future__ import annotations

import string
from collections.abc import Callable

import numpy as np

from digitdet.common.registry import Registry, draw_name
from digitdet.configs.look import LookConfig

JOINING = frozenset(".,'-/:\u2013")
"""Marks inside a number that do not end it."""

LETTERS = string.ascii_uppercase + string.ascii_lowercase

TextFunction = Callable[[np.random.Generator, LookConfig], str]
TEXTS: Registry[TextFunction] = Registry()

# Not m3, whose 3 would be a digit.
_UNITS = ("kWh", "%", "kg", "km", "mm", "V", "A", "W", "MHz", "C", "F", "h", "min", "s", "L", "m", "Pa", "bar", "Hz")
_CURRENCIES = ("$", "$", "$", "€", "£", "USD", "EUR", "Fr.", "Rs")
_PREFIXES = (
    "No.",
    "Nr.",
    "N",
    "#",
    "No",
    "Tel.",
    "Tel:",
    "ID",
    "Ref.",
    "S/N",
    "SN:",
    "Lot",
    "Room",
    "Bus",
    "PO Box",
    "Art.",
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def sample_text(rng: np.random.Generator, look: LookConfig) -> str:
    """One text of the kinds that the look names."""
    return TEXTS[draw_name(rng, look.texts)](rng, look)


def is_number_end(character: str) -> bool:
    """Whether a character between two digits makes them two numbers."""
    return not character.isdigit() and character not in JOINING


@TEXTS.add("digits")
def digits(rng: np.random.Generator, look: LookConfig) -> str:
    """Digits, each of the ten as often but for 1; leading zeros and repeats as chance has it, and a little more.

    1 is drawn half as often again: it is the digit that detectors lose most, beside a neighbour or as a bare stroke.
    """
    length = _length(rng, look)
    values = np.where(rng.random(length) < 0.05, 1, rng.integers(0, 10, length))
    habit = rng.random()
    if habit < 0.08:  # the same digit again and again: 11, 000, 77
        values[int(rng.integers(length)) :] = values[-1]
    elif habit < 0.14:
        values[: int(rng.integers(length + 1))] = 0
    return "".join(map(str, values))


@TEXTS.add("numbers")
def numbers(rng: np.random.Generator, look: LookConfig) -> str:
    """Several numbers of one line, with spaces between them."""
    count = int(rng.integers(look.numbers_per_line[0], look.numbers_per_line[1] + 1))
    return " ".join(digits(rng, look) for _ in range(count))


@TEXTS.add("amount")
def amount(rng: np.random.Generator, look: LookConfig) -> str:
    """Money as on cheques and price tags: thousand marks, cents, fillers, a currency sign."""
    text = digits(rng, look)
    mark = str(rng.choice([".", ",", "'", ""], p=[0.45, 0.25, 0.1, 0.2]))
    if mark and len(text) > 3:
        head = len(text) % 3 or 3
        text = mark.join([text[:head], *(text[i : i + 3] for i in range(head, len(text), 3))])
    if rng.random() < 0.4:
        text += ("," if mark == "." else ".") + "".join(map(str, rng.integers(0, 10, 2)))
    ending = rng.random()
    if ending < 0.35:
        text += str(rng.choice([".", ".-", ",-", "-", "=", ".=", "--", ".--"]))
    opening = rng.random()
    if opening < 0.3:
        text = str(rng.choice(_CURRENCIES)) + ("" if rng.random() < 0.7 else " ") + text
    elif opening < 0.45:
        text = str(rng.choice(["#", "=", "*", "**", "-"])) + text
    return text + (" " + str(rng.choice(_CURRENCIES)) if rng.random() < 0.1 else "")


@TEXTS.add("decimal")
def decimal(rng: np.random.Generator, look: LookConfig) -> str:
    """A measured value with a decimal mark."""
    text = digits(rng, look)
    place = int(rng.integers(1, len(text) + 1))
    return (text[:place] + str(rng.choice([".", ","])) + text[place:]) if place < len(text) else text


@TEXTS.add("unit")
def unit(rng: np.random.Generator, look: LookConfig) -> str:
    """A value with its unit."""
    value = decimal(rng, look) if rng.random() < 0.4 else digits(rng, look)
    return value + (" " if rng.random() < 0.5 else "") + str(rng.choice(_UNITS))


@TEXTS.add("date")
def date(rng: np.random.Generator, look: LookConfig) -> str:
    """A date or a time in the usual orders and marks."""
    day, month, year = int(rng.integers(1, 32)), int(rng.integers(1, 13)), int(rng.integers(1900, 2036))
    mark = str(rng.choice([".", "/", "-", ":"], p=[0.35, 0.35, 0.2, 0.1]))
    kind = rng.random()
    if kind < 0.5:
        return mark.join((f"{day:02}", f"{month:02}", f"{year}" if rng.random() < 0.5 else f"{year % 100:02}"))
    if kind < 0.65:
        return mark.join((f"{year}", f"{month:02}", f"{day:02}"))
    if kind < 0.8:
        return f"{int(rng.integers(24)):02}:{int(rng.integers(60)):02}"
    if kind < 0.9:
        return f"{day} {rng.choice(_MONTHS)} {year}"
    return f"{day}/{month}"


@TEXTS.add("phone")
def phone(rng: np.random.Generator, look: LookConfig) -> str:
    """A telephone number in groups."""
    groups = [int(n) for n in rng.integers(2, 5, int(rng.integers(2, 5)))]
    mark = str(rng.choice(["-", " ", ".", "/"], p=[0.45, 0.35, 0.15, 0.05]))
    text = mark.join("".join(map(str, rng.integers(0, 10, n))) for n in groups)
    return str(rng.choice(["+", "("], p=[0.8, 0.2])) + text if rng.random() < 0.2 else text


@TEXTS.add("labelled")
def labelled(rng: np.random.Generator, look: LookConfig) -> str:
    """A number after a word or letters, as in "No. 12", "Room 214", "S/N 0042"."""
    before = str(rng.choice(_PREFIXES)) if rng.random() < 0.6 else word(rng)
    after = " " + word(rng) if rng.random() < 0.25 else ""
    return before + (" " if rng.random() < 0.8 else "") + digits(rng, look) + after


@TEXTS.add("code")
def code(rng: np.random.Generator, look: LookConfig) -> str:
    """Letters and digits in one piece, as on number plates and parts: the digits alone are to be read."""
    parts = [digits(rng, look)[:4]]
    for _ in range(int(rng.integers(1, 3))):
        piece = "".join(rng.choice(list("ABCDEFGHJKLMNPRSTUVWXYZ"), int(rng.integers(1, 4))))
        parts.insert(int(rng.integers(len(parts) + 1)), piece)
        if rng.random() < 0.5:
            parts.append(digits(rng, look)[:3])
    return str(rng.choice(["", "-", " "])).join(parts)


@TEXTS.add("percent")
def percent(rng: np.random.Generator, look: LookConfig) -> str:
    """A share, a price in cents, a temperature: a short number with a sign that looks a little like digits."""
    return str(rng.integers(0, 100)) + str(rng.choice(["%", " %", "c", "+", "!", ")", "]", "*"]))


def word(rng: np.random.Generator) -> str:
    """A made-up word of letters: capitals, small letters or both; no language is preferred.

    Letters that look like a digit (o, i, l, s, z, b) are there, a little rarer than in life: alone they say too little.
    """
    length = int(rng.integers(2, 10))
    vowels = rng.random(length) < 0.42
    letters = [str(rng.choice(list("aaaaeeeeuuuooiiy" if v else "cdfghkmnprtvwcdfghkmnprtvwbbssllz"))) for v in vowels]
    text = "".join(letters)
    return (text.upper(), text.capitalize(), text)[int(rng.integers(3))]


def _length(rng: np.random.Generator, look: LookConfig) -> int:
    """A number of digits, log-uniform: short numbers are the ones whose digits can be big in their picture."""
    low, high = look.digits_per_number
    return min(int(low * ((high + 1) / low) ** rng.random()), high)
