"""Texts with values: amounts of money, measurements, fractions, ranges and calculations."""

from __future__ import annotations

import numpy as np

from digitdet.configs.look import LookConfig
from digitdet.synth.pages.texts import RAISED, SUPERSCRIPTS, TEXTS, THIN_SPACE, digits, pick, random_digits, word

_MINUS, _TIMES, _DIVIDED = "-", "\u00d7", "\u00f7"
_EN_DASH = "\u2013"

# Mark between thousands, and decimal mark.
_NOTATIONS = (
    *((",", "."), (",", "."), (".", ","), (".", ","), ("'", "."), (THIN_SPACE, ","), (THIN_SPACE, ".")),
    *(("", "."), ("", "."), ("", ",")),
)
# Marks between thousands in hasty handwriting: mostly a point, perhaps with a gap.
_WRITTEN_MARKS = (
    *(".", ".", ".", "." + THIN_SPACE, "." + THIN_SPACE, "." + 2 * THIN_SPACE, THIN_SPACE + ".", ",", "'", "-"),
    *(THIN_SPACE, THIN_SPACE, "", "", ""),
)
SYMBOLS = ("$", "$", "$", "\u20ac", "\u20ac", "\u00a3", "\u00a5", "US$", "\u20b9", "R$", "\u20a9")
CODES = ("USD", "EUR", "CHF", "GBP", "JPY", "Fr.", "Rs", "Rs.", "SFr.", "kr", "z\u0142", "RM", "Lei", "DM", "CLP")
CENTS = ("00", "00", "90", "90", "95", "99", "99", "50", "40", "80", "70", "49", "79")
"""Cents of prices by about their frequency; others are possible."""
# Endings of amounts on cheques, which prevent that somebody appends digits.
_FILLERS = (*(".", ".", ".-", ",", ",-", "-", "-", "=", ".=", "--", ".--", "//", "#"), "=" + THIN_SPACE + "=")
GOODS_UNITS = ("/kg", "/l", "/100g", " ea", "/pc", " / kg", "/St.", "/m")

_UNITS = (
    *("kWh", "kWh", "m\u00b3", "m\u00b3", "m\u00b2", "cm\u00b2", "cm\u00b3", "km\u00b2", "kg", "kg", "g", "mg", "t"),
    *("km", "m", "cm", "mm", "km/h", "m/s", "mph", "\u00b0C", "\u00b0C", "\u00b0F", "\u00b0", "l", "l", "L", "ml"),
    *("cl", "dl", "V", "mV", "A", "mA", "W", "kW", "Hz", "MHz", "Pa", "bar", "mmHg", "h", "min", "s", "%", "lb"),
    *("oz", "ft", "GB", "MB", "\u03a9", "C", "F", "x", "bpm", "St.", "Stk", "pcs"),
)
_RAISED_UNITS = (
    *("m\u00b3", "m\u00b3", "m\u00b3", "m\u00b2", "m\u00b2", "cm\u00b2", "cm\u00b3", "km\u00b2", "dm\u00b3"),
    *("ft\u00b2", "m\u00b3/h", "N/mm\u00b2"),
)
_FORMULAS = (
    *("CO\u2082", "CO\u2082", "CO\u2082", "H\u2082O", "O\u2082", "SO\u2084", "NO\u2083", "NO\u2082", "CH\u2084"),
    *("PM\u2081\u2080", "B\u2081\u2082", "N\u2082", "x\u2081", "T\u2080"),
)


def group_thousands(text: str, mark: str) -> str:
    """Return digits with a mark before each group of three, counted from the right."""
    head = len(text) % 3 or 3
    return mark.join([text[:head], *(text[i : i + 3] for i in range(head, len(text), 3))])


def written_value(rng: np.random.Generator, look: LookConfig, decimals: float) -> str:
    """Draw a value with marks between thousands if it is long, and two decimals with the probability `decimals`."""
    text = digits(rng, look)
    thousands, point = _NOTATIONS[int(rng.random() * len(_NOTATIONS))]
    if len(text) > 3 and rng.random() < 0.8:
        text = group_thousands(text, thousands)
    return text + (point + random_digits(rng, 2) if rng.random() < decimals else "")


@TEXTS.add("amount")
def amount(rng: np.random.Generator, look: LookConfig) -> str:
    """Amounts as on cheques: thousands separators, cents, fillers against appended digits, currency."""
    text = _sum_of_money(rng, look) if rng.random() < 0.6 else written_value(rng, look, decimals=0.6)
    if rng.random() < 0.35:
        text += pick(rng, ("", "", THIN_SPACE)) + pick(rng, _FILLERS)
    opening = rng.random()
    if opening < 0.15:
        text = pick(rng, SYMBOLS) + ("" if rng.random() < 0.7 else " ") + text
    elif opening < 0.25:
        text = pick(rng, ("#", "=", "*", "**", "-")) + text
    return text + (" " + pick(rng, (*SYMBOLS, *CODES)) if rng.random() < 0.05 else "")


def _sum_of_money(rng: np.random.Generator, look: LookConfig) -> str:
    """Draw a sum without cents: the first digit follows Benford's law, and many sums are round."""
    text = str(int(10 ** rng.random())) + digits(rng, look)[1:]
    if rng.random() < 0.3:
        kept = 1 + int(rng.random() * min(len(text), 3))
        text = text[:kept] + "0" * (len(text) - kept)
    return group_thousands(text, pick(rng, _WRITTEN_MARKS)) if len(text) > 3 else text


@TEXTS.add("price")
def price(rng: np.random.Generator, look: LookConfig) -> str:
    """A price with its currency before or behind, as on tags and bills; some have small raised cents."""
    cents = rng.random()
    if cents < 0.45:
        text = digits(rng, look)[:4] + pick(rng, ("", "", "", ".", ",")) + RAISED
        text += pick(rng, (*CENTS, *(random_digits(rng, 2) for _ in range(6))))
    elif cents < 0.55:
        text = digits(rng, look)[:5] + pick(rng, (".-", ".\u2013", ",-", ".\u2014"))
    else:
        text = written_value(rng, look, decimals=0.8)
    place = rng.random()
    if place < 0.4:
        text = pick(rng, SYMBOLS) + pick(rng, ("", "", "", " ")) + text
    elif place < 0.55:
        text = pick(rng, CODES) + " " + text
    elif place < 0.75:
        text += pick(rng, ("", " ")) + pick(rng, SYMBOLS)
    elif place < 0.85:
        text += " " + pick(rng, CODES)
    return text + (pick(rng, GOODS_UNITS[:-2]) if rng.random() < 0.07 else "")


@TEXTS.add("decimal")
def decimal(rng: np.random.Generator, look: LookConfig) -> str:
    """A value with a decimal separator."""
    text = digits(rng, look)
    place = int(rng.integers(1, len(text) + 1))
    return (text[:place] + pick(rng, ".,") + text[place:]) if place < len(text) else text


@TEXTS.add("negative")
def negative(rng: np.random.Generator, look: LookConfig) -> str:
    """A negative value, with the minus before or behind or in brackets, as in accounts; sometimes two with signs."""
    value = written_value(rng, look, decimals=0.5)
    kind = rng.random()
    if kind < 0.6:
        return _MINUS + value
    if kind < 0.75:
        return value + _MINUS
    if kind < 0.83:
        return f"({value})"
    if kind < 0.9:
        return pick(rng, ("+", "\u00b1", "- ")) + value
    return f"{_MINUS}{value} {pick(rng, ('+', _MINUS))}{digits(rng, look)}"


@TEXTS.add("percent")
def percent(rng: np.random.Generator, look: LookConfig) -> str:
    """A percentage, perhaps with a decimal or a sign."""
    text = str(int(rng.random() * 101))
    if rng.random() < 0.3:
        text += pick(rng, ".,") + random_digits(rng, 1 + int(rng.random() * 2))
    sign = pick(rng, ("", "", "", "", "-", "+", "< "))
    return sign + text + pick(rng, ("%", "%", "%", " %", " %", "\u2030")) + pick(rng, ("", "", "", "", " OFF", "!"))


@TEXTS.add("unit")
def unit(rng: np.random.Generator, look: LookConfig) -> str:
    """A value with its unit, some with raised digits."""
    value = decimal(rng, look) if rng.random() < 0.4 else digits(rng, look)
    name = pick(rng, _UNITS)
    return value + (" " if name == "l" else pick(rng, ("", " "))) + name  # without the space, l would look like a 1


@TEXTS.add("fraction")
def fraction(rng: np.random.Generator, look: LookConfig) -> str:
    """Two values with a slash: fractions, blood pressures, page and lot numbers."""
    kind = rng.random()
    if kind < 0.35:
        bottom = pick(rng, ("2", "3", "4", "4", "8", "10", "16", "100"))
        whole = pick(rng, ("", "", f"{int(rng.random() * 12) + 1} "))
        return f"{whole}{int(rng.integers(1, 20))}/{bottom}"
    if kind < 0.6:
        text = f"{int(rng.integers(85, 200))}/{int(rng.integers(45, 115))}"
        return pick(rng, ("", "", "BP ", "RR ")) + text + pick(rng, ("", "", " mmHg", " mm Hg"))
    space = " " if rng.random() < 0.2 else ""
    return digits(rng, look)[:4] + f"{space}/{space}" + digits(rng, look)[:4]


@TEXTS.add("range")
def value_range(rng: np.random.Generator, look: LookConfig) -> str:
    """A range from one value to another."""
    joint = pick(rng, ("-", "-", "-", _EN_DASH, _EN_DASH, " - ", f" {_EN_DASH} ", " to ", " bis ", "...", " .. ", "~"))
    text = digits(rng, look)[:4] + joint + digits(rng, look)[:4]
    return text + (" " + pick(rng, _UNITS) if rng.random() < 0.15 else "")


@TEXTS.add("calculation")
def calculation(rng: np.random.Generator, look: LookConfig) -> str:
    """Products, sums and equations: "3x4", "12+5=17", "x=5"."""
    first, second = (1 + int(rng.random() ** 2 * high) for high in (120, 60))
    kind, space = rng.random(), pick(rng, ("", "", " "))
    if kind < 0.3:  # sizes and quantities
        times = pick(rng, ("x", "x", "X", _TIMES, "*"))
        third = f"{space}{times}{space}{int(rng.random() * 40)}" if rng.random() < 0.2 else ""
        return f"{first}{space}{times}{space}{second}{third}" + pick(rng, ("", "", "", " cm", " mm"))
    if kind < 0.4:
        return f"{pick(rng, 'xyzabnN')}{space}{pick(rng, ('=', '=', '<', '>'))}{space}{decimal(rng, look)}"
    sign, result = (
        ("+", first + second),
        ("-", first - second),
        (_TIMES, first * second),
        (pick(rng, (_DIVIDED, ":", "/")), first),
    )[int(rng.random() * 4)]
    if sign == "-":
        space = " "  # without spaces it is a range
    dividend = first * second if result == first else first
    return f"{dividend}{space}{sign}{space}{second}" + (f"{space}={space}{result}" if rng.random() < 0.8 else "")


@TEXTS.add("power")
def power(rng: np.random.Generator, look: LookConfig) -> str:
    """Numbers with a raised digit or near a lowered one: exponents, footnotes, formulas."""
    raised = SUPERSCRIPTS[1 + int(rng.random() * 9)]
    kind = rng.random()
    if kind < 0.35:  # a footnote mark or an exponent
        return written_value(rng, look, decimals=0.1) + raised + pick(rng, ("", "", "", ")"))
    if kind < 0.42:
        factor = decimal(rng, look) + pick(rng, (_TIMES, f" {_TIMES} ")) if rng.random() < 0.6 else ""
        return factor + pick(rng, ("10", "10", "2")) + raised
    if kind < 0.52:
        return pick(rng, (word(rng) + raised, raised, raised + " " + word(rng))) + " " + digits(rng, look)
    if kind < 0.75:  # an area or a volume, as on a water meter
        value = decimal(rng, look) if rng.random() < 0.2 else pick(rng, ("", "", "0", "00")) + digits(rng, look)
        gap = "" if rng.random() < 0.25 else " " + THIN_SPACE * int(rng.random() ** 2 * 8)
        return value + gap + pick(rng, _RAISED_UNITS)
    pair = [pick(rng, _FORMULAS), digits(rng, look)]
    return " ".join(pair if rng.random() < 0.6 else pair[::-1])
