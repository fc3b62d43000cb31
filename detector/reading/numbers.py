"""Numbers from detected digits: lines of slots are split into segments, and each segment becomes a number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitdet.common.types import CLASS_NAMES, Box
from digitdet.configs import ReadConfig
from digitdet.detection.postprocess import NmsResult
from digitdet.reading.beam_search import Hypothesis
from digitdet.reading.calibration import Calibration, log_odds
from digitdet.reading.constraints import Constraints
from digitdet.reading.drums import merge_drum_digits
from digitdet.reading.results import OK, UNFIT, UNSURE, Alternative, Digit, Number
from digitdet.reading.segments import Segment, split_line
from digitdet.reading.slot_lines import SlotLine, build_slot_lines, drop_isolated_digits
from digitdet.reading.slots import Part, make_slots

_MAX_ALTERNATIVES = 5  # other texts that a number shows
_MIN_ALTERNATIVE = 0.005  # probability from which another digit or text is shown
_ANY_NUMBER = Constraints()


class NumberBuilder:
    """Builds the numbers of a picture from its detected digits."""

    def __init__(self, calibration: Calibration, config: ReadConfig, constraints: Constraints | None = None) -> None:
        self._calibration = calibration
        self._threshold = threshold = config.confidence
        self._min_confidence = config.min_confidence
        self._constraints = constraints or _ANY_NUMBER
        beside = min(config.confidence_beside, threshold)
        self._neighbour_odds_factor = float(np.exp(log_odds(threshold) - log_odds(beside)))
        # Digit probabilities are shifted so that `threshold` becomes 0.5.
        isolated = max(config.confidence_alone, threshold)
        isolated_odds = float(np.exp(log_odds(isolated) - log_odds(threshold)))
        self._isolated_threshold = isolated_odds / (1 + isolated_odds)

    def build(self, nms: NmsResult) -> tuple[Number, ...]:
        """Return the numbers of one picture in reading order."""
        probabilities = self._calibration.digit_probabilities(nms.digits.scores, self._threshold)
        suppressed_probabilities = self._calibration.digit_probabilities(nms.suppressed.scores, self._threshold)
        boxes = np.concatenate([nms.digits.boxes, nms.suppressed.boxes]).astype(np.float64)
        slots = merge_drum_digits(make_slots(nms, probabilities, suppressed_probabilities), boxes)
        lines = build_slot_lines(slots, boxes, self._neighbour_odds_factor)
        if not self._constraints:
            lines = drop_isolated_digits(lines, self._isolated_threshold)
        # Lists: single values of arrays are slow to access.
        all_boxes: list[Box] = [tuple(box) for box in boxes.tolist()]
        all_probabilities = np.concatenate([probabilities, suppressed_probabilities]).tolist()
        numbers = (
            self._number(line, segment, all_boxes, all_probabilities)
            for line in lines
            for segment in split_line(line, self._constraints)
        )
        return tuple(number for number in numbers if number is not None)

    def _number(
        self, line: SlotLine, segment: Segment, boxes: list[Box], probabilities: list[list[float]]
    ) -> Number | None:
        """Return the number of a segment; None where most likely there is no digit.

        A digit that is present with at least 0.5 is returned even if none of the ten is as likely as no digit.
        """
        texts = segment.texts
        if any(slot.digit_probability >= 0.5 for slot in line.slots[segment.start : segment.stop]):
            texts = tuple(text for text in texts if text.text)
        best = texts[0] if texts else None
        if best is None or not best.text:
            return None
        probability = best.probability * _probability_of_bounds(line, segment)
        confidence = self._calibration.number_confidence(probability, is_single_digit=len(best.text) == 1)
        constraints = self._constraints if segment.fits else _ANY_NUMBER
        places = constraints.places(best.text)
        digits = tuple(_digit(part, boxes, probabilities) for part in best.parts)
        is_unsure = confidence < self._min_confidence
        return Number(
            best=constraints.formatted(best.text),
            confidence=confidence,
            digits=digits,
            status=UNFIT if not segment.fits else UNSURE if is_unsure else OK,
            doubtful=tuple(places[at] for at in doubtful_digits(digits, self._min_confidence)) if is_unsure else (),
            alternatives=_alternatives(texts, constraints, confidence),
            angle=line.angle,
        )


def _alternatives(texts: Sequence[Hypothesis], constraints: Constraints, confidence: float) -> tuple[Alternative, ...]:
    """Return the texts after the first; they share 1 - confidence in proportion to their probabilities."""
    scale = (1 - confidence) / max(1 - texts[0].probability, 1e-9)
    others = [(other.text, min(other.probability * scale, confidence)) for other in texts[1:] if other.text]
    likely = [(text, probability) for text, probability in others if probability >= _MIN_ALTERNATIVE]
    return tuple(
        Alternative(constraints.formatted(text), probability) for text, probability in likely[:_MAX_ALTERNATIVES]
    )


def _probability_of_bounds(line: SlotLine, segment: Segment) -> float:
    """Return the probability that the number begins and ends where the segment does: the lowest of its gaps.

    The gaps of a line are alike, and are judged rightly or wrongly together.
    """
    inside = [1 - probability for probability in line.breaks[segment.start : segment.stop - 1]]
    ends = line.breaks[segment.start - 1 : segment.start] if segment.start else ()
    return min([*inside, *ends, *line.breaks[segment.stop - 1 : segment.stop]], default=1.0)


def doubtful_digits(digits: Sequence[Digit], min_confidence: float) -> list[int]:
    """Return the indices of the digits that make a number unsure: those below the nth root, and the weakest."""
    minimum = min_confidence ** (1 / len(digits))
    weakest = min(range(len(digits)), key=lambda index: digits[index].confidence)
    return [index for index, digit in enumerate(digits) if digit.confidence < minimum or index == weakest]


def _digit(part: Part, boxes: list[Box], probabilities: list[list[float]]) -> Digit:
    text, row = part
    own = dict(zip(CLASS_NAMES, probabilities[row], strict=False))  # without the probability of no digit
    ranked = sorted(own, key=lambda digit: -own[digit])
    others = tuple(Alternative(one, own[one]) for one in ranked if own[one] >= _MIN_ALTERNATIVE and one != text)
    return Digit(text, own[text], boxes[row], others)
