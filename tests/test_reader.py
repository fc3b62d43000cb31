"""NumberReader: from files, bytes and arrays to readings."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitdet import Constraints, Digit, Mark, Number, NumberReader, Reading, draw_reading, parse_region
from digitdet.common.errors import ConfigError, ImageError, ModelError, TimeLimitError
from digitdet.configs import ReadConfig
from digitdet.detection.search import MultiScaleDetector
from digitdet.imaging.images import load_image
from digitdet.reading.rotation import RotationChoice, upside_down_text

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def reader():
    return NumberReader()


def test_every_example_reads_as_its_caption_says(reader):
    captions = (EXAMPLES / "numbers.txt").read_text(encoding="utf-8").splitlines()
    assert len(captions) == len(list(EXAMPLES.glob("*.jpg"))) >= 3
    for caption in captions:
        name, *numbers = caption.split()
        assert [number.best for number in reader.read(EXAMPLES / name).numbers] == numbers


def test_arguments_of_another_type_are_refused():
    with pytest.raises(TypeError, match=r"expected Constraints\(\.\.\.\), not str"):
        NumberReader(constraints="4-")
    with pytest.raises(TypeError, match="expected a ReadConfig, not dict"):
        NumberReader(config={"confidence": 0.3})


def test_boxes_end_at_the_borders_of_the_picture(reader):
    height, width = 60, 150
    image = cv2.imread(str(EXAMPLES / "number.jpg"))
    image = cv2.resize(image[30:230, 60:460], (width, height))  # cuts the first and the last digit
    boxes = np.array([digit.box for number in reader.read(image).numbers for digit in number.digits])
    assert len(boxes)
    assert (boxes >= 0).all() and (boxes <= [width, height, width, height]).all()


@pytest.mark.parametrize(("rotate", "is_crop"), [(0, False), (90, True)])
def test_a_turned_crop_of_a_number_is_a_crop(rotate, is_crop, monkeypatch):
    reader, seen = NumberReader(config=ReadConfig(rotate=rotate)), []
    monkeypatch.setattr(reader._decoder, "decode", lambda _lattices, is_crop: seen.append(is_crop) or ())
    reader.read(np.full((227, 40, 3), 255, np.uint8))
    assert seen == [is_crop]


def test_path_bytes_and_array_give_the_same_reading(reader):
    path = EXAMPLES / "number.jpg"
    reading = reader.read(path)
    assert reading.status == "ok"
    assert reader.read(str(path)) == reading
    nameless = replace(reading, source=None)
    assert reader.read(path.read_bytes()) == nameless
    assert reader.read(cv2.imread(str(path))) == nameless


def test_boxes_are_in_pixels_of_the_picture(reader):
    image = cv2.imread(str(EXAMPLES / "number.jpg"))
    small = reader.read(image).numbers[0]
    big = reader.read(cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)).numbers[0]
    assert big.text == small.text
    assert np.allclose(np.array(big.box) / 3, small.box, atol=3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3000, 10), (7, 9)])
def test_unusual_shapes_are_read(reader, shape):
    assert isinstance(reader.read(np.full((*shape, 3), 128, np.uint8)), Reading)


def test_input_is_not_changed(reader):
    image = cv2.imread(str(EXAMPLES / "number.jpg"))
    before = image.copy()
    draw_reading(image, reader.read(image))
    assert np.array_equal(image, before)


def test_higher_confidence_keeps_fewer_digits():
    image = EXAMPLES / "page.jpg"
    counts = [
        sum(len(number.digits) for number in NumberReader(conf=conf).read(image).numbers)
        for conf in (0.05, 0.5, 0.9999)
    ]
    assert counts[0] >= counts[1] > counts[2]


def test_numbers_below_the_minimum_confidence_are_unsure():
    reading = NumberReader(config=ReadConfig(min_confidence=1)).read(EXAMPLES / "number.jpg")
    (number,) = reading.numbers
    assert (reading.status, number.status) == ("unsure", "unsure")
    assert number.best.isdigit()
    assert number.text == number.best
    assert number.masked_text.count("?") == len(number.doubtful) > 0


def test_constraints_reach_the_numbers(reader):
    free = reader.read(EXAMPLES / "page.jpg")
    wanted = max((number.best for number in free.numbers), key=len)
    fitting = NumberReader(constraints=Constraints(digits=len(wanted))).read(EXAMPLES / "page.jpg")
    assert wanted in [number.best for number in fitting.numbers if number.status != "unfit"]
    assert all(len(number.best) == len(wanted) for number in fitting.numbers if number.status != "unfit")
    assert any(number.status == "unfit" for number in fitting.numbers)


def test_read_many_equals_reading_one_by_one(reader, tmp_path):
    """Pictures of several sizes, more than a batch, a bad one and one with pages among them."""
    names = ["number.jpg", "page.jpg", "chalk.jpg"] * 3
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    image = cv2.imread(str(EXAMPLES / "number.jpg"))
    cv2.imwritemulti(str(tmp_path / "pages.tif"), [image, image])
    paths = [EXAMPLES / name for name in names]
    sources = [*paths[:5], tmp_path / "bad.jpg", tmp_path / "pages.tif", image, *paths[5:]]
    readings = list(reader.read_many(sources))
    assert [Path(reading.source).name if reading.source else None for reading in readings] == [
        *names[:5],
        "bad.jpg",
        "pages.tif",
        "pages.tif",
        None,
        *names[5:],
    ]
    assert [(reading.page, reading.pages) for reading in readings[6:8]] == [(1, 2), (2, 2)]
    assert (readings[5].status, readings[5].numbers) == ("error", ())
    for path, reading in zip(paths, [*readings[:5], *readings[9:]], strict=True):
        alone = reader.read(path)
        assert reading.texts == alone.texts
        assert np.allclose([n.box for n in reading.numbers], [n.box for n in alone.numbers], atol=0.1)


def test_what_is_no_picture_is_named(reader):
    with pytest.raises(TypeError, match="not BytesIO; of an open file, pass file"):
        reader.read(BytesIO(b"x"))
    for one in ("photos", np.zeros((40, 60, 3), np.uint8)):
        with pytest.raises(TypeError, match="expected many pictures"):
            reader.read_many(one)


def test_read_many_is_lazy(reader):
    def sources():
        for place in range(10_000):
            taken.append(place)
            yield EXAMPLES / "number.jpg"

    taken = []
    readings = reader.read_many(sources())
    assert next(readings).status == "ok"
    readings.close()
    assert len(taken) <= (reader.workers + 3) * reader.config.batch


@pytest.mark.parametrize(("blur", "is_settled"), [(0.1, True), (5.0, False)])
def test_the_largest_pass_runs_only_for_doubtful_pictures(reader, monkeypatch, blur, is_settled):
    run_pass, sides = MultiScaleDetector._run_pass, []

    def recording(detector, wanted):
        sides.extend(side for _, side in wanted)
        return run_pass(detector, wanted)

    monkeypatch.setattr(MultiScaleDetector, "_run_pass", recording)
    reader.read(cv2.GaussianBlur(cv2.imread(str(EXAMPLES / "page.jpg")), (0, 0), blur))
    largest = round(320 * max(reader.config.scales))
    assert (largest in sides) is not is_settled
    assert len(sides) >= 3


def test_numbers_side_by_side_on_a_long_strip(reader):
    strip, numbers = np.full((40, 4000, 3), 230, np.uint8), [str(1000 + 137 * place) for place in range(16)]
    for place, number in enumerate(numbers):
        cv2.putText(strip, number, (60 + 245 * place, 32), cv2.FONT_HERSHEY_SIMPLEX, 1, (20, 20, 20), 2)
    assert reader.read(strip).texts == numbers


def test_nothing_to_read(reader):
    assert list(reader.read_many([])) == []


def test_pixel_limit(tmp_path):
    small = NumberReader(config=ReadConfig(max_pixels=1000))
    with pytest.raises(ImageError, match="above the limit"):
        small.read(EXAMPLES / "number.jpg")
    (reading,) = small.read_many([EXAMPLES / "number.jpg"])
    assert reading.status == "error"


def test_a_region_outside_the_picture(reader):
    with pytest.raises(ImageError, match="no pixel inside"):
        reader.read(EXAMPLES / "number.jpg", [parse_region("5000,0,10,10")])


@pytest.mark.parametrize("regions", [["0,0,50%,100%"], "0,0,50%,100%", parse_region("0,0,50%,100%")])
def test_regions_of_another_type_are_refused(reader, regions):
    with pytest.raises(TypeError, match="expected a list of regions"):
        reader.read(EXAMPLES / "number.jpg", regions)


def test_digits_are_found_on_a_turned_picture(reader):
    upright = load_image(EXAMPLES / "number.jpg")
    found = reader.find(upright)
    turned = NumberReader(config=ReadConfig(rotate=90)).find(np.rot90(upright, -1).copy())
    height = upright.shape[0]
    x0, y0, x1, y1 = found.boxes.T
    np.testing.assert_allclose(turned.boxes, np.stack([height - y1, x0, height - y0, x1], axis=1), atol=1e-3)
    np.testing.assert_allclose(turned.scores, found.scores)


def test_a_picture_is_read_and_its_digits_are_found_in_one_go(reader):
    quarter_turned = NumberReader(config=ReadConfig(rotate=90))
    picture = np.rot90(load_image(EXAMPLES / "number.jpg"), -1).copy()
    reading, found = quarter_turned.read_and_find(picture)
    assert reading == quarter_turned.read(picture)
    expected = quarter_turned.find(picture)
    np.testing.assert_array_equal(found.boxes, expected.boxes)
    np.testing.assert_array_equal(found.scores, expected.scores)


def test_the_time_limit_holds_within_a_picture(reader, monkeypatch):
    """The deadline passes when the digits have been found: their lines are not read."""
    now, detect = [0.0], reader._detector.detect

    def detect_and_wait(*arguments, **options):
        found = detect(*arguments, **options)
        now[0] = 100.0
        return found

    monkeypatch.setattr("digitdet.common.parallel.time.monotonic", lambda: now[0])
    monkeypatch.setattr(reader._detector, "detect", detect_and_wait)
    with pytest.raises(TimeLimitError):
        list(reader.read_many([EXAMPLES / "number.jpg"], time_limit=10))


def test_bad_arguments():
    with pytest.raises(ConfigError, match=r"expected a number <= 1\.0"):
        NumberReader(conf=1.5)
    with pytest.raises(ModelError, match=r"gone\.onnx"):
        NumberReader("gone.onnx")


@pytest.mark.parametrize("is_ambiguous", [True, False])
def test_the_upside_down_text_is_given_where_it_is_as_plausible(monkeypatch, is_ambiguous):
    monkeypatch.setattr("digitdet.reader.choose_rotation", lambda found: RotationChoice(180, is_ambiguous))
    turned = cv2.rotate(cv2.imread(str(EXAMPLES / "page.jpg")), cv2.ROTATE_180)
    reading = NumberReader(config=ReadConfig(rotate="auto")).read(turned)
    assert reading.rotation == 180
    assert {number.upside_down for number in reading.numbers} == (
        {upside_down_text(number.best) for number in reading.numbers} if is_ambiguous else {None}
    )


def test_boxes_of_digits_and_marks_are_mapped_to_the_page(monkeypatch):
    found = Number("-7", 0.9, (Digit("7", 0.9, (20, 10, 30, 28)),), marks=(Mark("-", 0.8, (2, 17, 12, 20), 0),))
    monkeypatch.setattr("digitdet.reader.NumberDecoder.decode", lambda decoder, lattices, is_crop: (found,))
    reader = NumberReader(config=ReadConfig(rotate=90))
    (number,) = reader.read(np.full((100, 200, 3), 255, np.uint8), [parse_region("50,40,100,60")]).numbers
    assert number.digits[0].box == (50 + 100 - 28, 40 + 20, 50 + 100 - 10, 40 + 30)
    assert number.marks == (Mark("-", 0.8, (50 + 100 - 20, 40 + 2, 50 + 100 - 17, 40 + 12), 0),)


def test_small_digits_of_a_larger_picture_are_read(reader):
    """The example made small, in the corner of a page: 12 px high there, 4 px in the largest usual input."""
    image = cv2.imread(str(EXAMPLES / "number.jpg"))
    expected = reader.read(image).numbers[0].best
    small = cv2.resize(image, None, fx=0.14, fy=0.14, interpolation=cv2.INTER_AREA)
    page = np.full((900, 1200, 3), image[5:50, 5:50].mean(axis=(0, 1)), np.uint8)
    for row in range(6):
        for column in range(5):
            top, left = 60 + 140 * row, 60 + 220 * column
            page[top : top + small.shape[0], left : left + small.shape[1]] = small
    texts = [number.best for number in reader.read(page).numbers]
    assert texts.count(expected) >= 24  # of 30
