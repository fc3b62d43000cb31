"""Numbers without their marks, for `digitdet read --digits-only` and for labels that have digits alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from digitdet.common.characters import only_digits
from digitdet.reading.results import OK, UNSURE, Alternative, Number


def without_marks(number: Number, min_confidence: float) -> Number:
    """Return a number with its digits alone: 314 for 3.14 or 3-14.

    Texts that differ only in marks become one, and their probabilities are added. The digits remain those of the most
    probable text with marks, even if other digits have a higher sum. A number that was unsure because of
    a mark is therefore 'ok' if its confidence now reaches `min_confidence` (0 to 1).
    """
    best = only_digits(number.best)
    confidences: defaultdict[str, float] = defaultdict(float)
    for text, confidence in [(number.best, number.confidence), *((o.text, o.confidence) for o in number.alternatives)]:
        confidences[only_digits(text)] += confidence
    confidence = min(confidences.pop(best), 1.0)
    others = sorted(confidences, key=lambda text: -confidences[text])
    is_unsure = number.status == UNSURE and confidence < min_confidence
    return replace(
        number,
        best=best,
        confidence=confidence,
        status=OK if number.status == UNSURE and not is_unsure else number.status,
        doubtful=_doubtful_digits(number) if is_unsure else (),
        alternatives=tuple(Alternative(text, confidences[text]) for text in others),
        marks=(),
    )


def _doubtful_digits(number: Number) -> tuple[int, ...]:
    """The indices of the doubtful digits among all digits; of the weakest one if only a mark was doubtful."""
    doubtful = tuple(index for index, place in enumerate(number.digit_places) if place in number.doubtful)
    weakest = min(range(len(number.digits)), key=lambda index: number.digits[index].confidence)
    return doubtful or (weakest,)
