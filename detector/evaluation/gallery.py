"""Cards that show how numbers were read: picture, truth, reading and probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from digitdet.evaluation.comparison import Change
from digitdet.evaluation.outcomes import NumberOutcome, PictureOutcome
from digitdet.evaluation.report import Report
from digitdet.evaluation.table import percent
from digitdet.evaluation.thumbnails import Thumbnail, make_thumbnail
from digitdet.reading.results import Digit

RIGHT = "right"
KINDS = ("misread", "unread", "false", RIGHT)
"""Of outcomes; a false one is a reading of what is no number."""

# What keeps a page quick to open and below about 15 MB.
MAX_CARDS = 1500
_MAX_PICTURE_BYTES = 10_000_000
_OTHERS = 2  # alternatives of a digit that are shown
_LEAST_SHOWN = 0.005


@dataclass(frozen=True)
class _Card:
    """One number of one picture, and what a second model made of it, where that differs."""

    outcome: PictureOutcome
    number: NumberOutcome
    change: Change | None


def gallery_cards(report: Report) -> tuple[list[str], int]:
    """The cards as list items in HTML, and how many numbers there are in all.

    First changes between two models, then mistakes, the most confident first, then what was read rightly, the least
    confident first: as many as a page can hold. When pictures have taken up their share, the rest goes without.
    """
    cards = sorted(_cards(report), key=_rank)
    room = _MAX_PICTURE_BYTES
    items = []
    for card in cards[:MAX_CARDS]:
        thumbnail = make_thumbnail(card.outcome, card.number) if room > 0 else None
        room -= len(thumbnail.jpeg) if thumbnail else 0
        items.append((card, thumbnail))
    # On the page the most confident comes first, whatever it is.
    items.sort(key=lambda item: (item[0].number.is_right, -item[0].number.confidence))
    return [_card_html(card, thumbnail) for card, thumbnail in items], len(cards)


def _cards(report: Report) -> Iterator[_Card]:
    changes: Mapping[int, Change] = {}
    if report.comparisons:
        changes = {id(change.first): change for change in report.comparisons[-1].changes}
    for outcome in report.together.outcomes:
        for number in outcome.numbers:
            yield _Card(outcome, number, changes.get(id(number)))


def _rank(card: _Card) -> tuple[int, float]:
    number = card.number
    if card.change is not None:
        return 0, -number.confidence
    return (2, number.confidence) if number.is_right else (1, -number.confidence)


def _card_html(card: _Card, thumbnail: Thumbnail | None) -> str:
    outcome, number = card.outcome, card.number
    kind, change = _kind(number), card.change.kind if card.change else ""
    text = f"{number.truth} {number.text} {outcome.picture.image}".lower()
    facts = {
        "set": outcome.set_name,
        "status": number.status,
        "length": str(len(number.truth)),
        "kind": kind,
        "change": change,
        "confidence": f"{number.confidence:.4f}",
        "text": text,
    }
    data = " ".join(f'data-{name}="{escape(value)}"' for name, value in facts.items())
    return (
        f'<li class="card {kind}" {data}><article>{_picture_html(card, thumbnail)}'
        f"<dl>{''.join(_facts_html(card))}</dl>{_digits_html(number)}"
        f'<p class="name">{escape(outcome.set_name)}/{escape(outcome.picture.image)}</p></article></li>\n'
    )


def _kind(number: NumberOutcome) -> str:
    """One of `KINDS`."""
    if number.is_right:
        return RIGHT
    if not number.truth:
        return "false"
    return "misread" if number.text else "unread"


def _picture_html(card: _Card, thumbnail: Thumbnail | None) -> str:
    """The picture with a frame around each digit that was read."""
    if thumbnail is None:
        return '<p class="nothing">no picture</p>'
    left, top, right, bottom = thumbnail.view
    width, height = right - left, bottom - top
    frames = "".join(_frame_html(digit, left, top) for digit in card.number.digits)
    size = f'width="{width:g}" height="{height:g}"'
    name = escape(f"{card.number.truth or 'no number'}, read as {card.number.text or 'nothing'}")
    return (
        f'<svg class="picture" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{name}">'
        f'<image href="{thumbnail.jpeg}" {size} preserveAspectRatio="none"/>{frames}</svg>'
    )


def _frame_html(digit: Digit, left: float, top: float) -> str:
    x0, y0, x1, y1 = digit.box
    return (
        f'<rect x="{x0 - left:.1f}" y="{y0 - top:.1f}" width="{max(x1 - x0, 0):.1f}" height="{max(y1 - y0, 0):.1f}">'
        f"<title>{digit.text} {percent(digit.confidence)}</title></rect>"
    )


def _facts_html(card: _Card) -> Iterator[str]:
    number = card.number
    yield _fact("truth", f"<b>{escape(number.truth) or 'no number'}</b>")
    if card.outcome.reading.error is not None:
        yield _fact("not read", escape(card.outcome.reading.error))
        return
    pieces = f", in {number.pieces} pieces" if number.pieces > 1 else ""
    yield _fact("read", f"<b>{escape(number.text) or 'nothing'}</b>{pieces}")
    if number.text:
        yield _fact("confidence", f"{percent(number.confidence)} ({number.status})")
    if len(number.candidates) > 1:
        yield _fact("or", escape(", ".join(number.candidates[1:])))
    if card.change is not None:
        yield _fact("other model", f"<b>{escape(card.change.second.text) or 'nothing'}</b> ({card.change.kind})")


def _fact(name: str, value: str) -> str:
    return f"<div><dt>{name}</dt><dd>{value}</dd></div>"


def _digits_html(number: NumberOutcome) -> str:
    """Each digit that was read with its probability, and what it may be, too."""
    if not number.digits:
        return ""
    items = []
    for digit in number.digits:
        others = [other for other in digit.alternatives[:_OTHERS] if other.confidence >= _LEAST_SHOWN]
        lines = "".join(f"<small><i>{escape(other.text)}</i> {other.confidence:.0%}</small>" for other in others)
        items.append(
            f'<li><b>{escape(digit.text)}</b><span class="meter" style="--share:{digit.confidence:.2f}"></span>'
            f"<small>{digit.confidence:.0%}</small>{lines}</li>"
        )
    return f'<ol class="digits" aria-label="probability of each digit">{"".join(items)}</ol>'
