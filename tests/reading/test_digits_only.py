"""Numbers without their marks."""

import pytest

from digitdet import Alternative, Digit, Mark, Number
from digitdet.common.characters import only_digits
from digitdet.reading.digits_only import without_marks

BOX = (0.0, 0.0, 8.0, 12.0)


def number(best, confidence, *alternatives, status="ok", doubtful=(), confidences=None):
    digits = only_digits(best)
    return Number(
        best,
        confidence,
        tuple(Digit(*one, BOX) for one in zip(digits, confidences or [0.9] * len(digits), strict=True)),
        status,
        doubtful,
        tuple(Alternative(*one) for one in alternatives),
        marks=tuple(Mark(one, 0.8, BOX, place) for place, one in enumerate(best) if one not in digits),
    )


def test_texts_that_differ_in_marks_become_one():
    found = without_marks(number("3.14", 0.5, ("3,14", 0.25), ("8.14", 0.0625), ("81.4", 0.0625), ("31", 0.03125)), 0.5)
    assert (found.best, found.text, found.confidence, found.marks) == ("314", "314", 0.75, ())
    assert found.alternatives == (Alternative("814", 0.125), Alternative("31", 0.03125))
    assert [digit.text for digit in found.digits] == ["3", "1", "4"]


def test_a_number_without_marks_is_unchanged():
    found = number("0042", 0.5, ("0012", 0.25), status="unsure", doubtful=(2,))
    assert without_marks(found, 0.6) == found


@pytest.mark.parametrize(
    ("minimum", "status", "text"),
    [
        (0.7, "ok", "264"),  # the mark was the doubt
        (0.8, "unsure", "26?"),  # now the weakest digit
    ],
)
def test_a_doubtful_mark(minimum, status, text):
    found = number("2.64", 0.5, ("2,64", 0.25), status="unsure", doubtful=(1,), confidences=[0.95, 0.9, 0.85])
    bare = without_marks(found, minimum)
    assert (bare.status, bare.masked_text) == (status, text)


def test_doubtful_digits_keep_their_places():
    found = without_marks(number("-1,234", 0.4, status="unsure", doubtful=(0, 3, 5)), 0.5)
    assert (found.masked_text, found.status) == ("1?3?", "unsure")


def test_an_unfit_number_stays_unfit():
    assert without_marks(number("1-2", 0.9, status="unfit"), 0.5).status == "unfit"
