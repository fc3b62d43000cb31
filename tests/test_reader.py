from pathlib import Path

import cv2
import numpy as np
import pytest

from digitdet import Digit, Number, NumberReader, Reading, draw_reading
from digitdet.configs import ConfigError, ModelError, ReadConfig
from digitdet.datasets.numbers import NumberTruth
from digitdet.evaluate import count_exact

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def reader():
    return NumberReader()


def test_every_example_reads_as_its_caption_says(reader):
    captions = (EXAMPLES / "numbers.txt").read_text(encoding="utf-8").splitlines()
    assert len(captions) == len(list(EXAMPLES.glob("*.jpg"))) >= 3
    for caption in captions:
        name, *numbers = caption.split()
        assert reader.read(EXAMPLES / name).texts == numbers


def test_path_bytes_and_array_read_the_same(reader):
    path = EXAMPLES / "number.jpg"
    reading = reader.read(path)
    assert reading.status == "ok"
    assert reader.read(str(path)) == reading
    assert reader.read(path.read_bytes()) == reading
    assert reader.read(cv2.imread(str(path))) == reading


def test_boxes_are_in_pixels_of_the_picture(reader):
    image = cv2.imread(str(EXAMPLES / "number.jpg"))
    small = reader.read(image).numbers[0]
    big = reader.read(cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)).numbers[0]
    assert big.text == small.text
    assert np.allclose(np.array(big.box) / 3, small.box, atol=3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3000, 10), (7, 9)])
def test_odd_shapes_are_read_without_fail(reader, shape):
    assert isinstance(reader.read(np.full((*shape, 3), 128, np.uint8)), Reading)


def test_input_is_not_changed(reader):
    image = cv2.imread(str(EXAMPLES / "number.jpg"))
    before = image.copy()
    draw_reading(image, reader.read(image))
    assert np.array_equal(image, before)


def test_higher_confidence_keeps_fewer_digits():
    image = EXAMPLES / "page.jpg"
    counts = [len(NumberReader(conf=conf).detect(image)) for conf in (0.05, 0.5, 0.999)]
    assert counts[0] >= counts[1] > counts[2]


def test_settings_reach_the_grouping():
    image = EXAMPLES / "number.jpg"
    apart = NumberReader(config=ReadConfig(max_number_gap=0.001)).read(image)
    assert len(apart.numbers) > 1


def test_bad_arguments():
    with pytest.raises(ConfigError, match="a number from 0 to 1"):
        NumberReader(conf=1.5)
    with pytest.raises(ModelError, match=r"gone\.onnx"):
        NumberReader("gone.onnx")


def number(text, left=0.0, top=0.0, confidence=0.9):
    digits = [Digit(t, confidence, (left + 10 * i, top, left + 10 * i + 8, top + 12)) for i, t in enumerate(text)]
    return Number(tuple(digits))


def test_number_is_made_of_its_digits():
    digits = (Digit("0", 0.9, (0, 2, 8, 12)), Digit("7", 0.6, (10, 0, 18, 11)))
    assert (Number(digits).text, Number(digits).confidence, Number(digits).box) == ("07", 0.6, (0, 0, 18, 12))
    assert Reading((Number(digits),)).to_dict() == {
        "status": "ok",
        "numbers": [
            {
                "text": "07",
                "confidence": 0.6,
                "box": [0, 0, 18, 12],
                "digits": [
                    {"text": "0", "confidence": 0.9, "box": [0, 2, 8, 12]},
                    {"text": "7", "confidence": 0.6, "box": [10, 0, 18, 11]},
                ],
            }
        ],
    }
    assert Reading(()).to_dict() == {"status": "empty", "numbers": []}


def truth(text, left=0.0, top=0.0):
    return NumberTruth(text, tuple(digit.box for digit in number(text, left, top).digits))


@pytest.mark.parametrize(
    ("found", "truths", "exact"),
    [
        ([], [], 0),
        ([number("12")], [], 0),
        ([], [truth("12")], 0),
        ([number("12")], [truth("12")], 1),
        ([number("21")], [truth("12")], 0),
        ([number("12", left=300)], [truth("12")], 0),  # right text, wrong place
        ([number("1"), number("2", left=10)], [truth("12")], 0),  # torn apart
        ([number("7"), number("7", left=1)], [truth("7")], 1),
        ([number("7")], [truth("7"), truth("7", left=1)], 1),  # one reading counts once
        ([number("12", top=50), number("12")], [truth("12"), truth("12", top=50)], 2),
    ],
)
def test_count_exact(found, truths, exact):
    assert count_exact(found, truths) == exact


@pytest.mark.parametrize("shape", [(40, 60), (900, 1400)])
def test_drawing(shape):
    image = np.full((*shape, 3), 250, np.uint8)
    drawn = draw_reading(image, Reading((number("407", left=5, top=4), number("88", left=12, top=22))))
    assert max(drawn.shape) >= 640 or shape[0] > 640
    assert (drawn != 250).any()
    blank = draw_reading(image, Reading(()))
    assert set(np.unique(blank)) == {250, 255}
