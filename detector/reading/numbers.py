"""Digits in lines become whole numbers: where one ends, what it says, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
import numpy.typing as npt

from digitdet.common.types import Box
from digitdet.configs import ReadConfig
from digitdet.detection.postprocess import NmsResult
from digitdet.reading.calibration import Calibration, log_odds
from digitdet.reading.constraints import Constraints
from digitdet.reading.drums import settle_drums
from digitdet.reading.hypotheses import Beam, Hypothesis, Slot, make_slots, search
from digitdet.reading.lines import find_lines
from digitdet.reading.results import OK, UNFIT, UNSURE, Alternative, Digit, Number

Boxes = npt.NDArray[np.float64]

_BEAM_WIDTH = 8  # texts kept in the search: more than are shown, since a later digit can turn their order
_MAX_ALTERNATIVES = 5  # other texts that a number shows
_MIN_ALTERNATIVE = 0.005  # probability below which another digit or text is not worth showing
# How likely it is, beforehand, that something on a picture does not meet the user's constraints: a serial number beside
# the counter. It must be that likely against the evidence that something else was written before a reading is bent.
_UNFIT_CHANCE = 0.01
# A gap that is surer than this to part numbers is not read over, whatever the constraints ask for.
_SURE_BREAK = 0.95
_MAX_WEAK_GAP = 1.2  # digit heights between a weak digit and the line it may belong to
_ROOM_FOR_ONE_MORE = 1.4  # how much farther than usual two digits are apart that have lost one between them, at least
_LEAST_STEP = 0.6  # and how far from a line's last digit the next one is, in parts of the usual step
_LEAST_PITCHES = 3  # steps from digit to digit that show which one is usual
_NO_CHANCE = 1e-9  # stands for the probability 0, whose logarithm there is not


@dataclass(frozen=True)
class Row:
    """The slots of one line from left to right, and for every two neighbours the probability that a number ends there.

    `angle` is the line's, in degrees clockwise.
    """

    slots: tuple[Slot, ...]
    breaks: tuple[float, ...]
    angle: float


@dataclass(frozen=True)
class Segment:
    """Slots `start` to `stop` of a row, read as one number: its texts, the likeliest first, each with its chance under
    the constraints. `fits` is False where none meets them.
    """

    start: int
    stop: int
    texts: tuple[Hypothesis, ...]
    fits: bool


class NumberBuilder:
    """Makes numbers of what suppression left of a picture.

    Args:
        calibration: From scores to probabilities.
        least_presence: Probability (0 to 1) from which a digit counts as there.
        min_confidence: A number below this (0 to 1) is unsure.
        constraints: What a number must be; None is any.
        least_beside: The probability from which a digit counts that stands beside one which counts anyway; None is the
            same as for others.
        least_alone: The probability from which a digit counts that is a whole line by itself, on a picture with longer
            lines; None is the same as for others.
    """

    def __init__(
        self,
        calibration: Calibration,
        least_presence: float,
        min_confidence: float,
        constraints: Constraints | None = None,
        least_beside: float | None = None,
        least_alone: float | None = None,
    ) -> None:
        self._calibration = calibration
        self._least_presence = least_presence
        self._min_confidence = min_confidence
        self._constraints = constraints
        # How much likelier a digit is beside others, as a factor on its odds.
        beside = least_presence if least_beside is None else min(least_beside, least_presence)
        self._encouragement = float(np.exp(log_odds(least_presence) - log_odds(beside)))
        alone = least_presence if least_alone is None else max(least_alone, least_presence)
        # Presences are such that 0.5 is where a digit counts.
        odds_alone = float(np.exp(log_odds(alone) - log_odds(least_presence)))
        self._least_alone = odds_alone / (1 + odds_alone)

    @classmethod
    def of_config(
        cls,
        calibration: Calibration,
        config: ReadConfig,
        constraints: Constraints | None = None,
        min_confidence: float | None = None,
    ) -> NumberBuilder:
        """A builder with the thresholds of the settings; `min_confidence` takes the place of theirs."""
        return cls(
            calibration,
            config.confidence,
            config.min_confidence if min_confidence is None else min_confidence,
            constraints,
            config.confidence_beside,
            config.confidence_alone,
        )

    def build(self, places: NmsResult) -> tuple[Number, ...]:
        """The numbers of one picture in reading order."""
        chances = self._calibration.of_digits(places.digits.scores, self._least_presence)
        rival_chances = self._calibration.of_digits(places.suppressed.scores, self._least_presence)
        boxes = np.concatenate([places.digits.boxes, places.suppressed.boxes]).astype(np.float64)
        # As lists: single values of arrays are slow to get at.
        every_box: list[Box] = [tuple(box) for box in boxes.tolist()]
        every_chance = np.concatenate([chances, rival_chances]).tolist()
        slots = settle_drums(make_slots(places, chances, rival_chances), boxes)
        numbers = []
        rows = lay_rows(slots, boxes, self._encouragement)
        if self._constraints is None:  # they know better what may be there
            rows = without_strays(rows, self._least_alone)
        for row in rows:
            for segment in self._segments(row):
                number = self._number(row, segment, every_box, every_chance)
                if number is not None:
                    numbers.append(number)
        return tuple(numbers)

    def _segments(self, row: Row) -> list[Segment]:
        if self._constraints is None:
            return split_at_gaps(row, 0, len(row.slots))
        return split_by_constraints(row, self._constraints)

    def _number(self, row: Row, segment: Segment, boxes: list[Box], chances: list[list[float]]) -> Number | None:
        """One number; None where most likely nothing stands there.

        A digit that is there more likely than not is given, with all its doubts, even if which one it is leaves none of
        the ten as likely as no digit.
        """
        texts = segment.texts
        if any(slot.presence >= 0.5 for slot in row.slots[segment.start : segment.stop]):
            texts = tuple(text for text in texts if text.text)
        best = texts[0] if texts else None
        if best is None or not best.text:
            return None
        whole = _chance_of_being_whole(row, segment)
        confidence = self._calibration.of_number(best.chance * whole, is_alone=len(best.text) == 1)
        formatted, places = best.text, tuple(range(len(best.text)))
        if self._constraints is not None and segment.fits:
            formatted, places = self._constraints.formatted(best.text), self._constraints.places(best.text)
        digits = tuple(_digit(part, boxes, chances) for part in best.parts)
        is_unsure = confidence < self._min_confidence
        return Number(
            best=formatted,
            confidence=confidence,
            digits=digits,
            status=UNFIT if not segment.fits else UNSURE if is_unsure else OK,
            doubtful=tuple(places[at] for at in doubtful_digits(digits, self._min_confidence)) if is_unsure else (),
            alternatives=self._alternatives(texts, segment.fits, confidence),
            angle=row.angle,
        )

    def _alternatives(self, texts: Sequence[Hypothesis], fits: bool, confidence: float) -> tuple[Alternative, ...]:
        """The texts behind the first; they share what the confidence lacks to 1 in proportion to their chances."""
        scale = (1 - confidence) / max(1 - texts[0].chance, 1e-9)
        show = self._constraints.formatted if self._constraints is not None and fits else str
        others = [
            Alternative(show(other.text), min(other.chance * scale, confidence)) for other in texts[1:] if other.text
        ]
        return tuple(other for other in others if other.confidence >= _MIN_ALTERNATIVE)[:_MAX_ALTERNATIVES]


def lay_rows(slots: Sequence[Slot], boxes: Boxes, encouragement: float = 1.0) -> list[Row]:
    """The slots of a picture in lines.

    Lines are found among the digits that are more likely there than not. Weak ones in or beside a line with room for
    them are taken for likelier by the factor `encouragement` on their odds, since digits seldom stand alone (two
    thresholds, as Canny, A Computational Approach to Edge Detection, 1986, follows edges); with those that are then
    likely, lines are found once more. What is still weak is put where it lies in a line, and is no digit elsewhere.
    """
    strong, weak = _parted(slots)
    if encouragement > 1:
        strong, weak = _parted([*strong, *_beside_others(strong, weak, boxes, encouragement)])
    strong_boxes, weak_boxes = (boxes[[slot.row for slot in group]] for group in (strong, weak))
    neighbours = _neighbours(strong_boxes, weak_boxes)
    rows = []
    for line in find_lines(strong_boxes):
        guests = np.flatnonzero(np.isin(neighbours, line.digits)).tolist()
        members = [strong[digit] for digit in line.digits]
        rows.append(_row(members, [weak[guest] for guest in guests], line.breaks, boxes, line.angle))
    return rows


def without_strays(rows: Sequence[Row], least: float) -> list[Row]:
    """The rows but those with one digit, of a presence below `least`, if any row has more digits: beside a number, what
    looks a little like a digit and is in no line with others is a mark or the edge of something.
    """
    present = [[slot.presence for slot in row.slots if slot.presence >= 0.5] for row in rows]
    if max(map(len, present), default=0) < 2:
        return list(rows)
    return [row for row, found in zip(rows, present, strict=True) if len(found) > 1 or max(found, default=0) >= least]


def _parted(slots: Sequence[Slot]) -> tuple[list[Slot], list[Slot]]:
    """Those that are more likely there than not, and the others."""
    return [slot for slot in slots if slot.presence >= 0.5], [slot for slot in slots if slot.presence < 0.5]


def _beside_others(strong: list[Slot], weak: list[Slot], boxes: Boxes, factor: float) -> list[Slot]:
    """The weak slots; the odds of those beside or in a line with room for them are `factor` times as high."""
    strong_boxes, weak_boxes = (boxes[[slot.row for slot in group]] for group in (strong, weak))
    neighbours = _neighbours(strong_boxes, weak_boxes)
    judged = list(weak)
    for line in find_lines(strong_boxes):
        guests = np.flatnonzero(np.isin(neighbours, line.digits))
        roomy = _has_room(weak_boxes[guests], strong_boxes[list(line.digits)], line.angle)
        for guest, has_room in zip(guests.tolist(), roomy, strict=True):
            if has_room:
                judged[guest] = _encouraged(weak[guest], factor)
    return judged


def _has_room(weak: Boxes, line: Boxes, angle: float) -> list[bool]:
    """For each weak digit (N, 4) whether a line (M, 4) leaves it room: not between two digits that are hardly farther
    apart than the line's others (there the edge between two drums of a counter looks like a 1), and not close to its
    ends. A line that is too short to show its pitch leaves room anywhere.
    """
    if len(line) < _LEAST_PITCHES + 1:
        return [True] * len(weak)
    along = _along(angle)
    middles = np.sort((line[:, :2] + line[:, 2:]) @ along / 2)
    pitches = np.diff(middles)
    places = (weak[:, :2] + weak[:, 2:]) @ along / 2
    roomy = []
    for place, after in zip(places.tolist(), np.searchsorted(middles, places).tolist(), strict=True):
        if 0 < after < len(middles):
            usual = float(np.median(np.delete(pitches, after - 1)))
            roomy.append(bool(pitches[after - 1] > _ROOM_FOR_ONE_MORE * usual))
        else:
            step = float(np.abs(middles - place).min())
            roomy.append(step > _LEAST_STEP * float(np.median(pitches)))
    return roomy


def _encouraged(slot: Slot, factor: float) -> Slot:
    """A slot whose odds of holding a digit are so many times as high."""
    options = [option._replace(chance=option.chance * (factor if option.text else 1.0)) for option in slot.options]
    total = sum(option.chance for option in options)
    likeliest_first = sorted(options, key=lambda option: -option.chance)
    return Slot(
        slot.row,
        slot.presence * factor / (slot.presence * factor + 1 - slot.presence),
        tuple(option._replace(chance=option.chance / total) for option in likeliest_first),
    )


def _neighbours(strong: Boxes, weak: Boxes) -> npt.NDArray[np.int64]:
    """For each weak digit the row of the nearest strong one that it could stand beside; -1 where there is none."""
    if not len(strong) or not len(weak):
        return np.full(len(weak), -1)
    height, other = (strong[:, 3] - strong[:, 1])[None], (weak[:, 3] - weak[:, 1])[:, None]
    lower = np.maximum(np.minimum(height, other), 1e-9)
    gap = np.maximum(strong[None, :, 0] - weak[:, None, 2], weak[:, None, 0] - strong[None, :, 2]) / lower
    shared = np.minimum(strong[None, :, 3], weak[:, None, 3]) - np.maximum(strong[None, :, 1], weak[:, None, 1])
    fits = (shared >= 0.5 * lower) & (np.maximum(height, other) <= 2 * lower) & (gap <= _MAX_WEAK_GAP)
    distance = np.where(fits, gap, np.inf)
    nearest = distance.argmin(axis=1)
    return np.where(np.isfinite(distance[np.arange(len(weak)), nearest]), nearest, -1)


def _along(angle: float) -> npt.NDArray[np.float64]:
    """The direction (2,) of a line with that angle in degrees."""
    return np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])


def _row(strong: list[Slot], weak: list[Slot], breaks: Sequence[float], boxes: Boxes, angle: float) -> Row:
    """A line with its weak digits put in; where one stands at a possible end of a number, the wider gap is the end."""
    if not weak:
        return Row(tuple(strong), tuple(breaks), angle)
    along = _along(angle)
    slots = [*strong, *weak]
    middles = np.array([(boxes[slot.row, :2] + boxes[slot.row, 2:]) @ along / 2 for slot in slots])
    halves = np.array([(boxes[slot.row, 2] - boxes[slot.row, 0]) / 2 for slot in slots])
    order = np.argsort(middles, kind="stable").tolist()
    gaps = [middles[b] - halves[b] - middles[a] - halves[a] for a, b in pairwise(order)]
    merged = [0.0] * len(gaps)
    steps = [step for step, place in enumerate(order) if place < len(strong)]
    for number, (start, stop) in enumerate(pairwise(steps)):
        merged[max(range(start, stop), key=gaps.__getitem__)] = breaks[number]
    return Row(tuple(slots[place] for place in order), tuple(merged), angle)


def split_at_gaps(row: Row, start: int, stop: int, fits: bool = True) -> list[Segment]:
    """The numbers of a stretch of a row, parted where that is more likely than not."""
    cuts = [start, *(place for place in range(start + 1, stop) if row.breaks[place - 1] >= 0.5), stop]
    return [
        Segment(first, last, tuple(search(row.slots[first:last], _BEAM_WIDTH)), fits) for first, last in pairwise(cuts)
    ]


def split_by_constraints(row: Row, constraints: Constraints) -> list[Segment]:
    """The most probable way to part a row into numbers that meet the constraints, and into others.

    Dynamic programming over the places where a number can end (Viterbi, 1967): every stretch of slots is read under
    the constraints; one that cannot meet them counts as unfit, at a price. What is unfit is then parted by its gaps.
    """
    count = len(row.slots)
    best: list[tuple[float, list[Segment]]] = [(0.0, []), *((-math.inf, []) for _ in range(count))]
    for start in range(count):
        before, segments = best[start]
        for segment, score in _stretches(row, start, constraints):
            end = math.log(max(row.breaks[segment.stop - 1], _NO_CHANCE)) if segment.stop < count else 0.0
            if before + score + end > best[segment.stop][0]:
                best[segment.stop] = (before + score + end, [*segments, segment])
    parted: list[Segment] = []
    for fits, run in groupby(best[count][1], key=lambda segment: segment.fits):
        stretch = list(run)
        parted += stretch if fits else split_at_gaps(row, stretch[0].start, stretch[-1].stop, fits=False)
    return parted


def _stretches(row: Row, start: int, constraints: Constraints) -> list[tuple[Segment, float]]:
    """All segments that begin at a slot and reach over no sure gap, each with the logarithm of its probability."""
    wanted, free = Beam(_BEAM_WIDTH, constraints.can_start), Beam(_BEAM_WIDTH)
    unbroken = 0.0
    found = []
    for stop in range(start + 1, len(row.slots) + 1):
        if stop - start > 1:
            if row.breaks[stop - 2] > _SURE_BREAK:
                break
            unbroken += math.log(max(1 - row.breaks[stop - 2], _NO_CHANCE))
        wanted.extend(row.slots[stop - 1])
        free.extend(row.slots[stop - 1])
        fitting = [text for text in wanted.hypotheses() if text.text and constraints.fits(text.text)]
        anything = free.hypotheses()
        fit = sum(text.chance for text in fitting) * (1 - _UNFIT_CHANCE)
        unfit = max(1 - sum(text.chance for text in fitting), 0.0) * _UNFIT_CHANCE
        if fitting:
            total = fit + unfit
            texts = tuple(
                Hypothesis(text.text, text.chance * (1 - _UNFIT_CHANCE) / total, text.parts) for text in fitting
            )
            found.append((Segment(start, stop, texts, fits=True), unbroken + math.log(max(fit, _NO_CHANCE))))
        price = 0.0 if anything and not anything[0].text else math.log(_UNFIT_CHANCE)  # nothing there meets anything
        likeliest = anything[0].chance if anything else _NO_CHANCE
        found.append((Segment(start, stop, tuple(anything), fits=False), unbroken + price + math.log(likeliest)))
    return found


def _chance_of_being_whole(row: Row, segment: Segment) -> float:
    """Probability that the number begins and ends where the segment does.

    That of its most doubtful gap: the gaps of a line are alike, and are judged rightly or wrongly together.
    """
    inside = [1 - chance for chance in row.breaks[segment.start : segment.stop - 1]]
    ends = row.breaks[segment.start - 1 : segment.start] if segment.start else ()
    return min([*inside, *ends, *row.breaks[segment.stop - 1 : segment.stop]], default=1.0)


def doubtful_digits(digits: Sequence[Digit], min_confidence: float) -> list[int]:
    """The digits that make a number unsure: those below the share that each of them may lose, and the weakest."""
    least = min_confidence ** (1 / len(digits))
    weakest = min(range(len(digits)), key=lambda row: digits[row].confidence)
    return [row for row, digit in enumerate(digits) if digit.confidence < least or row == weakest]


def _digit(part: tuple[str, int], boxes: list[Box], chances: list[list[float]]) -> Digit:
    text, row = part
    own = chances[row]
    others = [(-own[digit], str(digit)) for digit in range(10) if own[digit] >= _MIN_ALTERNATIVE and str(digit) != text]
    return Digit(
        text, own[int(text)], boxes[row], tuple(Alternative(digit, -chance) for chance, digit in sorted(others))
    )
