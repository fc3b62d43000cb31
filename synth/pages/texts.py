"""Random texts: numbers with their punctuation, units and labels.

Digits that are separated only by one of the `JOINING` characters are one number, with its marks: "-1.234,50". Raised
and lowered digits are the Unicode characters for them, such as "\u00b3", and belong to no number.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from digitdet.common.registry import Registry, draw_name
from digitdet.configs.look import LookConfig

JOINING = ".,'/:\u2013-"
"""Characters that can occur within a number, between two digits."""

# A minus belongs to the number at the start of a word or after an opening bracket: not in "A-12".
_NUMBER = re.compile(rf"(?:(?<![^\s(\[])[-\u2212])?[0-9]+(?:[{JOINING}][0-9]+)*")

TextFunction = Callable[[np.random.Generator, LookConfig], str]
TEXTS: Registry[TextFunction] = Registry()

# Without m3, whose 3 would be a digit.
_UNITS = ("kWh", "%", "kg", "km", "mm", "V", "A", "W", "MHz", "C", "F", "h", "min", "s", "L", "m", "Pa", "bar", "Hz")
_CURRENCIES = ("$", "$", "$", "€", "£", "USD", "EUR", "Fr.", "Rs")
_PREFIXES = (
    *("No.", "Nr.", "N", "#", "No", "Tel.", "Tel:", "ID"),
    *("Ref.", "S/N", "SN:", "Lot", "Room", "Bus", "PO Box", "Art."),
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

SIGN_BLOCKS = (
    (0x0391, 0x03C9),  # Greek
    (0x0410, 0x044F),  # Cyrillic
    (0x05D0, 0x05EA),  # Hebrew
    (0x0621, 0x064A),  # Arabic
    (0x0905, 0x0939),  # Devanagari
    (0x0E01, 0x0E2E),  # Thai
    (0x3041, 0x30FA),  # Hiragana and Katakana
    (0x4E00, 0x4FFF),  # some Chinese characters
    (0x2190, 0x21FF),  # arrows
    (0x2200, 0x22FF),  # mathematical symbols
    (0x2300, 0x23CF),  # technical symbols
    (0x25A0, 0x25FF),  # geometric shapes
    (0x2600, 0x26FF),  # pictographs
    (0x2701, 0x2767),  # ornaments; circled digits follow
    (0x2794, 0x27BE),  # arrows among the ornaments
)
"""First and last code points of characters that are not digits: other scripts, arrows, pictographs."""

LIKE_DIGITS = frozenset(
    chr(code)
    for code in (
        *(0x0399, 0x039F, 0x03B9, 0x03BF, 0x03C3, 0x0417, 0x0437, 0x0427, 0x0447, 0x0431, 0x041E, 0x043E),
        *(0x05D3, 0x05D5, 0x05D6, 0x05D9, 0x05DA, 0x05DF, 0x05E1, 0x05E8, 0x0622, 0x0623, 0x0625, 0x0627, 0x0647),
        *(0x0648, 0x3089, 0x308B, 0x308D, 0x30CE, 0x30D5, 0x30D6, 0x30D7, 0x30E9, 0x30EF, 0x30F2, 0x0917, 0x0930),
        *(0x4E00, 0x4E28, 0x2223, 0x23AF, 0x25AE, 0x25AF, 0x25CB, 0x25EF, 0x2758, 0x2759, 0x275A),
    )
)
"""Characters of these blocks that look like digits: strokes, ovals, Ze, Che, Be, Resh, Alef, Fu, Ro and others."""


def sample_text(rng: np.random.Generator, look: LookConfig) -> str:
    """Draw a text of the look's kinds."""
    return TEXTS[draw_name(rng, look.texts)](rng, look)


def number_spans(text: str) -> list[tuple[int, int]]:
    """Return the start and stop (exclusive) of every number in a text, with its marks and a minus before it."""
    return [found.span() for found in _NUMBER.finditer(text)]


@TEXTS.add("digits")
def digits(rng: np.random.Generator, look: LookConfig) -> str:
    """Digits with the same probability, except for 1, which is 1.5 times as frequent because detectors miss it most.

    The number of digits is log-uniform, because only short numbers can fill a picture. Leading zeros and repeated
    digits are more frequent than in independent draws.
    """
    low, high = look.digits_per_number
    length = min(int(low * ((high + 1) / low) ** rng.random()), high)
    values = np.where(rng.random(length) < 0.05, 1, rng.integers(0, 10, length))
    habit = rng.random()
    if habit < 0.08:  # repeated digits: 11, 000, 77
        values[int(rng.integers(length)) :] = values[-1]
    elif habit < 0.14:
        values[: int(rng.integers(length + 1))] = 0
    return "".join(map(str, values))


@TEXTS.add("numbers")
def numbers(rng: np.random.Generator, look: LookConfig) -> str:
    """Several numbers separated by spaces."""
    count = int(rng.integers(look.numbers_per_line[0], look.numbers_per_line[1] + 1))
    return " ".join(digits(rng, look) for _ in range(count))


@TEXTS.add("amount")
def amount(rng: np.random.Generator, look: LookConfig) -> str:
    """Amounts of money as on cheques and price tags: thousands separators, cents, fillers, currency."""
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
    """A value with a decimal separator."""
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
    """A date or a time in common formats."""
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
    """A number after a label: "No. 12", "Room 214", "S/N 0042"."""
    before = str(rng.choice(_PREFIXES)) if rng.random() < 0.6 else word(rng)
    after = " " + word(rng) if rng.random() < 0.25 else ""
    return before + (" " if rng.random() < 0.8 else "") + digits(rng, look) + after


@TEXTS.add("code")
def code(rng: np.random.Generator, look: LookConfig) -> str:
    """Letters and digits without spaces, as on number plates and parts."""
    parts = [digits(rng, look)[:4]]
    for _ in range(int(rng.integers(1, 3))):
        piece = "".join(rng.choice(list("ABCDEFGHJKLMNPRSTUVWXYZ"), int(rng.integers(1, 4))))
        parts.insert(int(rng.integers(len(parts) + 1)), piece)
        if rng.random() < 0.5:
            parts.append(digits(rng, look)[:3])
    return str(rng.choice(["", "-", " "])).join(parts)


@TEXTS.add("percent")
def percent(rng: np.random.Generator, look: LookConfig) -> str:
    """A short number with a symbol that resembles a digit, such as a percentage."""
    return str(rng.integers(0, 100)) + str(rng.choice(["%", " %", "c", "+", "!", ")", "]", "*"]))


def word(rng: np.random.Generator) -> str:
    """Draw a made-up word in lower case, upper case or capitalised."""
    # Letters that resemble digits (o, i, l, s, z, b) are less frequent than in real texts, because they are ambiguous.
    length = int(rng.integers(2, 10))
    vowels = rng.random(length) < 0.42
    letters = [str(rng.choice(list("aaaaeeeeuuuooiiy" if v else "cdfghkmnprtvwcdfghkmnprtvwbbssllz"))) for v in vowels]
    text = "".join(letters)
    return (text.upper(), text.capitalize(), text)[int(rng.integers(3))]
