"""Texts with dates, times, telephone numbers, codes, labels and the signs around numbers."""

from __future__ import annotations

import numpy as np

from digitdet.configs.look import LookConfig
from digitdet.synth.pages.texts import TEXTS, digits, pick, random_digits, varied_digits, word

_PREFIXES = (
    *("No.", "Nr.", "N", "#", "No", "Tel.", "Tel:", "ID", "N\u00b0", "No:", "Qty", "BP", "ISO", "SOLO", "BOX", "DIN"),
    *("Ref.", "S/N", "SN:", "Lot", "Room", "Bus", "PO Box", "Art.", "Total", "TOTAL", "Sum:", "Pos.", "Date:", "Size"),
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Letters in codes, without I, O and Q, which cannot be told from 1 and 0 there.
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_SERIAL_PREFIXES = ("LOT", "LOT", "SN", "SN", "S/N", "S/N:", "P/N", "Lot:", "Ch.-B.", "REF", "EXP", "Part No.", "Mod.")
# Signs around numbers; those that resemble a digit are listed more often.
_BRACKETS = ("({})", "({})", "({})", "[{}]", "[{}]", "{{{}}}", '"{}"', "'{}'", "\u00ab{}\u00bb", "<{}>")
_SIGNS_BEFORE = (
    *("#", "#", "@", "@", "@ ", "*", "~", "=", ">", "x", "& ", "| ", "\u00b1", "\u2265 ", "\u2264 ", "\u2248"),
    *("\u00a7 ", "\u00a7", "\u00d8 ", "\u00d8 ", "\u00d8", "\u03a9 ", "\u2192 ", "\u00a9 "),
)
_SIGNS_BEHIND = (
    *("!", "!", "!", "!!", "?", "?", "?", "??", "*", "+", ")", ")", "]", "]", "}", ";", ",", ".", ":", "'", '"'),
    *("%", "%", "%", " g", " g", "g", "g", " l", " l", " l", " t", " s", "c", " |", " |", "\u00b0", "\u00b0", "\u00ba"),
    *("\u00ba", "\u2020", "\u2021", "\u00ae", "\u2122", " \u2190"),
)
_SIGNS_BETWEEN = (" & ", " & ", "&", " + ", " ; ", ", ", " @ ", " / ", " | ", " = ", "!", "?", ") ", "] ")


@TEXTS.add("date")
def date(rng: np.random.Generator, look: LookConfig) -> str:
    """A date: day, month and year in all usual orders, with two- or four-digit years, leading zeros or not."""
    day, month, year = int(rng.integers(1, 32)), int(rng.integers(1, 13)), int(rng.integers(1900, 2036))
    mark = pick(rng, "../////---:")
    kind = rng.random()
    if kind < 0.12:
        name = pick(rng, _MONTHS)
        return pick(
            rng, (f"{day} {name} {year}", f"{name} {day}, {year}", f"{day}. {name} {year}", f"{day}-{name}-{year}")
        )
    if kind < 0.2:
        return f"{day}/{month}" if rng.random() < 0.7 else f"{month:02}/{year % 100:02}"
    zeros = rng.random() < 0.75
    parts = [f"{day:02}" if zeros else str(day), f"{month:02}" if zeros else str(month)]
    if rng.random() < 0.25:  # month first
        parts.reverse()
    if kind < 0.4:  # year first
        return mark.join((str(year), f"{month:02}", f"{day:02}"))
    parts.append(str(year) if rng.random() < 0.6 else f"{year % 100:02}")
    if kind < 0.45:
        mark = pick(rng, (". ", " / ", " "))
    return pick(rng, ("", "", "", "", "", "Date: ")) + mark.join(parts)


@TEXTS.add("time")
def time(rng: np.random.Generator, look: LookConfig) -> str:
    """A time of day with or without seconds, am, pm, a date, or as "12h30"."""
    hour, minute, second = int(rng.integers(24)), int(rng.integers(60)), int(rng.integers(60))
    kind = rng.random()
    if kind < 0.1:
        return f"{hour}{pick(rng, 'hH.')}{minute:02}"
    if kind < 0.35:
        noon = pick(rng, (" am", " pm", " AM", " PM", "am", "pm", "AM", "PM", " a.m.", " p.m."))
        return f"{hour % 12 or 12}:{minute:02}" + (f":{second:02}" if rng.random() < 0.15 else "") + noon
    text = f"{hour:02}:{minute:02}" if rng.random() < 0.8 else f"{hour}:{minute:02}"
    if rng.random() < 0.35:
        text += f":{second:02}"
    return date(rng, look) + " " + text if kind > 0.93 else text


@TEXTS.add("phone")
def phone(rng: np.random.Generator, look: LookConfig) -> str:
    """A telephone number: groups with a mark or spaces, perhaps with a country code or an area code in brackets."""
    groups = [random_digits(rng, count) for count in rng.integers(2, 5, int(rng.integers(2, 4))).tolist()]
    text = pick(rng, ("-", "-", " ", " ", ".", "/")).join(groups)
    kind = rng.random()
    if kind < 0.15:
        text = f"+{int(rng.integers(1, 99))} {text}"
    elif kind < 0.35:
        text = f"({random_digits(rng, 3 + int(rng.random() * 2))}){pick(rng, ('', ' '))}{text}"
    elif kind < 0.5:
        text = f"0{random_digits(rng, 2 + int(rng.random() * 3))}{pick(rng, '/- ')}{text}"
    return pick(rng, ("", "", "", "", "", "", "", "Tel. ", "Tel: ", "Fax ", "T ", "\u260e ")) + text


@TEXTS.add("house_number")
def house_number(rng: np.random.Generator, look: LookConfig) -> str:
    """A house number, mostly of two or three digits: "42", "117B", "8 bis", "1-3"."""
    text = str(1 + int(9 * rng.random() ** 1.8))
    text += varied_digits(rng, int(rng.choice(4, p=(0.2, 0.45, 0.25, 0.1))))
    kind = rng.random()
    if kind < 0.9:
        return text
    if kind < 0.92:
        return f"{text}{pick(rng, '-/')}{int(text) + 2}"
    return text + pick(rng, ("A", "A", "B", "C", "D", "a", "b", "c", " a", " bis", "bis", " BIS", " ter"))


@TEXTS.add("labelled")
def labelled(rng: np.random.Generator, look: LookConfig) -> str:
    """A number after a label: "No. 12", "Room 214", "S/N 0042"."""
    before = pick(rng, _PREFIXES) if rng.random() < 0.6 else word(rng)
    after = " " + word(rng) if rng.random() < 0.25 else ""
    return before + (" " if rng.random() < 0.8 else "") + digits(rng, look) + after


@TEXTS.add("code")
def code(rng: np.random.Generator, look: LookConfig) -> str:
    """Letters and digits without spaces, as on number plates and parts."""
    parts = [digits(rng, look)[:4]]
    for _ in range(1 + int(rng.random() * 2)):
        parts.insert(int(rng.random() * (len(parts) + 1)), _letters(rng, 1 + int(rng.random() * 3)))
        if rng.random() < 0.5:
            parts.append(digits(rng, look)[:3])
    return pick(rng, ("", "-", " ")).join(parts)


@TEXTS.add("serial")
def serial(rng: np.random.Generator, look: LookConfig) -> str:
    """Serial, lot and plate numbers: "SN A12-3456B", "LOT 10/24", "B-AB 1234"."""
    kind = rng.random()
    if kind < 0.3:
        return f"{_letters(rng, 1 + int(rng.random() * 3))}{pick(rng, '- ')}{_letters(rng, 2)} {digits(rng, look)[:4]}"
    prefix = pick(rng, _SERIAL_PREFIXES) + pick(rng, (" ", " ", " ", ""))
    if kind < 0.5:
        return f"{prefix}{digits(rng, look)[:3]}/{random_digits(rng, 2)}"
    body = pick(rng, (_letters(rng, 1), _letters(rng, 2), "")) + digits(rng, look)[:4]
    if rng.random() < 0.6:
        body += pick(rng, "--/.") + digits(rng, look)[:5]
    return prefix + body + (_letters(rng, 1) if rng.random() < 0.4 else "")


@TEXTS.add("ordinal")
def ordinal(rng: np.random.Generator, look: LookConfig) -> str:
    """An ordinal: "1st", "22nd", "3.", "4e"."""
    value = int(rng.random() ** 2 * 130) + 1
    ending = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    ending = pick(rng, (ending, ending, ending.upper(), ".", ".", "e", "\u00ba", "\u00aa"))
    return f"{value}{ending}" + (" " + word(rng) if rng.random() < 0.4 else "")


@TEXTS.add("list_mark")
def list_mark(rng: np.random.Generator, look: LookConfig) -> str:
    """An entry of a numbered list, with a number or a word: "1) 20", "(3) oil", "a) 12"."""
    number = str(int(rng.random() ** 2 * 40) + 1)
    mark = pick(rng, (f"{number})", f"{number})", f"{number}.", f"({number})", f"{number}:", f"{pick(rng, 'abcdef')})"))
    if mark[0].isalpha() or rng.random() < 0.55:
        return f"{mark} {digits(rng, look)}"
    return f"{mark} {word(rng)}"


@TEXTS.add("marked")
def marked(rng: np.random.Generator, look: LookConfig) -> str:
    """A number next to a sign: in brackets or quotes, "#5", "@5", "3 & 4", "100!", "42?"."""
    number = digits(rng, look)
    kind = rng.random()
    if kind < 0.25:
        return pick(rng, _BRACKETS).format(number)
    if kind < 0.45:
        return pick(rng, _SIGNS_BEFORE) + number
    if kind < 0.8:
        return number + pick(rng, _SIGNS_BEHIND)
    return number + pick(rng, _SIGNS_BETWEEN) + digits(rng, look)


def _letters(rng: np.random.Generator, count: int) -> str:
    return "".join(pick(rng, _LETTERS) for _ in range(count))
