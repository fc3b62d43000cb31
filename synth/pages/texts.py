"""Random texts: the table of kinds, plain numbers, and made-up words.

Other kinds are in `text_values.py` (amounts, measurements, calculations) and `text_labels.py` (dates, codes, lists).

`number_spans` finds the numbers in a text. Raised and lowered digits are the Unicode characters for
them, such as "\u00b3", and belong to no number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from digitdet.common.registry import Registry, draw_name
from digitdet.configs.look import LookConfig

# Vowels and consonants of made-up words with up to three letters, and of longer ones.
_LETTERS = (
    ("aaaaeeeeuuuooiiy", "cdfghkmnprtvwcdfghkmnprtvwbbssllz"),
    ("aaaaeeeeeuuoooiiiy", "bbccdddffgghhjkklllmmnnnpprrrsssstttvwxzq"),
)

TextFunction = Callable[[np.random.Generator, LookConfig], str]
TEXTS: Registry[TextFunction] = Registry()

THIN_SPACE = "\u2009"
"""A narrow gap within a number, as between thousands: it is drawn, but it is not a character of the text."""

RAISED = "^"
"""Before digits that are small and raised, such as the cents on price tags, up to the next character of another kind.
They belong to the number; the sign itself is not drawn."""

SUPERSCRIPTS = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
SUBSCRIPTS = "".join(chr(0x2080 + digit) for digit in range(10))
"""Raised and lowered 0 to 9 that do not belong to a number: exponents, footnote marks, the 2 of CO\u2082."""

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


def pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    """Draw one of the options; an option that is listed twice is twice as frequent."""
    return options[int(rng.random() * len(options))]


def random_digits(rng: np.random.Generator, count: int) -> str:
    """Draw `count` digits, each with the same probability."""
    return "".join(map(str, rng.integers(0, 10, count).tolist()))


@TEXTS.add("digits")
def digits(rng: np.random.Generator, look: LookConfig) -> str:
    """Digits as `varied_digits` draws them. Their number is log-uniform: only short numbers can fill a picture."""
    low, high = look.digits_per_number
    return varied_digits(rng, min(int(low * ((high + 1) / low) ** rng.random()), high))


def varied_digits(rng: np.random.Generator, count: int) -> str:
    """Draw `count` digits.

    Repeated digits and leading zeros are more frequent than in independent draws, and ones more frequent than other
    digits: a plain stroke is easily missed or taken for a rule, an edge or a slash.
    """
    values = np.where(rng.random(count) < 0.05, 1, rng.integers(0, 10, count))
    habit = rng.random()
    if habit < 0.08:  # repeated digits: 11, 000, 77
        values[int(rng.integers(count + 1)) :] = values[-1:]
    elif habit < 0.14:
        values[: int(rng.integers(count + 1))] = 0
    elif habit < 0.26:
        values[rng.random(count) < 0.4] = 1
    return "".join(map(str, values))


@TEXTS.add("digit")
def digit(rng: np.random.Generator, look: LookConfig) -> str:
    """One digit; every third is a 1, which is a bare stroke in many hands."""
    return pick(rng, "0123456789" + "11111")


@TEXTS.add("numbers")
def numbers(rng: np.random.Generator, look: LookConfig) -> str:
    """Several numbers separated by spaces."""
    count = int(rng.integers(look.numbers_per_line[0], look.numbers_per_line[1] + 1))
    return " ".join(digits(rng, look) for _ in range(count))


def word(rng: np.random.Generator) -> str:
    """Draw a made-up word in lower case, upper case or capitalised."""
    length = int(rng.integers(2, 10))
    # Letters that resemble digits (o, i, l, s, z, b) are less frequent in short words, where they are ambiguous.
    vowels, consonants = _LETTERS[length > 3]
    text = "".join(pick(rng, vowels if rng.random() < 0.42 else consonants) for _ in range(length))
    return (text.upper(), text.capitalize(), text)[int(rng.integers(3))]


def digit_like_word(rng: np.random.Generator) -> str:
    """Draw a made-up word of which most letters resemble digits, such as BOSS or biggs; not only O, I and l."""
    length = int(rng.integers(3, 8))
    text = "".join(pick(rng, "oooiia" if place % 2 else "bbdgglllqssszz") for place in range(length))
    if set(text) <= set("oil"):
        text += pick(rng, "sdgb")
    return (text.upper(), text.upper(), text.capitalize(), text)[int(rng.integers(4))]
