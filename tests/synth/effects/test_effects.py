import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.synth.effects.effects import EFFECTS, CameraEffects
from digitdet.synth.effects.limits import digit_contrast, smallest_digit
from digitdet.synth.effects.scanner import scan_border

NO_BOXES = np.zeros((0, 4))
BLURS = {"softness", "focus_blur", "motion_blur", "low_resolution"}
OWN_EDGES = {"shadow", "glare", "scan_border"}  # these would be measured instead of those of the ink
NO_EFFECTS = CameraEffects({})  # `apply` takes any steps


def draw_page(height=160, width=240, digit=40, ink=40, background=210):
    """Return a noisy page with three hollow blocks as digits, and their boxes."""
    rng = np.random.default_rng(0)
    image = np.full((height, width, 3), background, np.uint8)
    image -= rng.integers(0, 6, image.shape, np.uint8)
    boxes = []
    for left in (60, 100, 140):
        top, right, bottom = 50, left + digit * 2 // 3, 50 + digit
        cv2.rectangle(image, (left, top), (right - 1, bottom - 1), (ink, ink, ink + 30), -1)
        cv2.rectangle(image, (left + 9, top + 9), (right - 10, bottom - 10), (background,) * 3, -1)
        boxes.append((left, top, right, bottom))
    return image, np.array(boxes, np.float64)


def measured_boxes(image, boxes):
    """Measure the boxes: the rows and columns around each box in which much is darker than the middle level."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    found = []
    for left, top, right, bottom in boxes.astype(int):
        cut = grey[top - 5 : bottom + 5, left - 5 : right + 5]
        dark = cut < (np.percentile(cut, 5) + np.percentile(cut, 95)) / 2
        ys, xs = np.flatnonzero(dark.mean(axis=1) > 0.25), np.flatnonzero(dark.mean(axis=0) > 0.25)
        found.append((left - 5 + xs[0], top - 5 + ys[0], left - 4 + xs[-1], top - 4 + ys[-1]))
    return np.array(found)


@pytest.mark.parametrize("name", EFFECTS)
def test_effect_changes_a_copy_and_repeats_itself(name):
    image, boxes = draw_page()
    before = image.copy()
    first = NO_EFFECTS.apply(image, ((name, 3),), boxes)
    assert np.array_equal(image, before)
    assert (first.shape, first.dtype) == (image.shape, np.uint8)
    assert not np.array_equal(first, image)
    assert np.array_equal(first, NO_EFFECTS.apply(image, ((name, 3),), boxes))
    if name != "grey":
        others = [NO_EFFECTS.apply(image, ((name, seed),), boxes) for seed in (4, 5)]
        assert not all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize("shape", [(32, 32), (33, 250), (300, 41), (700, 90)])
def test_effect_accepts_any_size_and_pages_without_digits(name, shape):
    image = np.random.default_rng(1).integers(90, 200, (*shape, 3), np.uint8)
    boxes = np.array([[-3, 4, 12, 40], [shape[1] - 4, 2, shape[1] + 5, 30]], np.float64)  # partly outside the picture
    for seed in range(4):
        for digits in (NO_BOXES, boxes):
            changed = EFFECTS[name](image, np.random.default_rng(seed), digits)
            assert (changed.shape, changed.dtype) == (image.shape, np.uint8)
            assert changed.flags.c_contiguous


@pytest.mark.parametrize("name", [name for name in EFFECTS if name not in OWN_EDGES])
def test_digits_stay_where_they_are(name):
    image, boxes = draw_page()
    assert np.array_equal(measured_boxes(image, boxes), boxes)
    for seed in range(6):
        changed = NO_EFFECTS.apply(image, ((name, seed),), boxes)
        # Two pixels where a picture is enlarged or motion blur moves both edges outwards.
        slack = 2 if name in {"low_resolution", "motion_blur"} else 1
        assert np.abs(measured_boxes(changed, boxes) - boxes).max() <= slack


@pytest.mark.parametrize("name", ["focus_blur", "motion_blur", "softness", "low_resolution", "double_jpeg"])
def test_effect_does_not_shift_the_picture(name):
    dot = np.zeros((101, 101, 3), np.uint8)
    dot[40:61, 40:61] = 255
    boxes = np.array([[40, 40, 61, 61]], np.float64)
    for seed in range(20):
        changed = EFFECTS[name](dot, np.random.default_rng(seed), boxes).astype(np.float64).mean(axis=2)
        weights = changed * (changed > 20)
        ys, xs = np.indices(weights.shape)
        assert np.average(ys, weights=weights) == pytest.approx(50, abs=0.5)
        assert np.average(xs, weights=weights) == pytest.approx(50, abs=0.5)


def test_scan_border_does_not_change_digits():
    image, boxes = draw_page()
    blackened = 0
    for seed in range(40):
        changed = scan_border(image, np.random.default_rng(seed), boxes)
        for left, top, right, bottom in boxes.astype(int):
            assert np.array_equal(changed[top:bottom, left:right], image[top:bottom, left:right])
        blackened += int(changed[:, 0].mean() < 50)
    assert blackened > 10


def test_scan_border_without_space_does_nothing():
    image, _ = draw_page()
    everywhere = np.array([[0, 0, image.shape[1], image.shape[0]]], np.float64)
    assert np.array_equal(scan_border(image, np.random.default_rng(0), everywhere), image)


@pytest.mark.parametrize("ink", [30, 150, 185])
def test_digits_keep_contrast(ink):
    image, boxes = draw_page(digit=26, ink=ink)
    effects = CameraEffects(dict.fromkeys(EFFECTS, 0.5))
    needed = np.minimum(10, 0.6 * digit_contrast(image, boxes))
    for seed in range(30):
        rng = np.random.default_rng(seed)
        changed = effects.apply(image, effects.sample(rng), boxes)
        assert (digit_contrast(changed, boxes) >= needed).all()


def test_effect_that_would_hide_a_digit_is_skipped():
    image = np.zeros((60, 60, 3), np.uint8)
    image[...] = (0, 0, 200)  # red background and a blue digit of the same brightness
    image[20:40, 25:35] = (255, 52, 0)
    boxes = np.array([[22, 18, 38, 42]], np.float64)
    assert np.ptp(EFFECTS["grey"](image, np.random.default_rng(0), boxes)) < 5
    assert np.array_equal(NO_EFFECTS.apply(image, (("grey", 0),), boxes), image)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_sample_keeps_order_and_limits(seed):
    steps = CameraEffects(dict.fromkeys(EFFECTS, 0.8)).sample(np.random.default_rng(seed))
    names = [name for name, _ in steps]
    assert names == [name for name in EFFECTS if name in names]
    assert len(BLURS.intersection(names)) <= 2
    assert not {"jpeg", "double_jpeg"} <= set(names)
    assert all(0 <= step_seed < 2**31 for _, step_seed in steps)
    assert steps == CameraEffects(dict.fromkeys(EFFECTS, 0.8)).sample(np.random.default_rng(seed))


def test_shares_are_probabilities():
    effects = CameraEffects({"jpeg": 0.25, "grey": 1.0, "dust": 0.0})
    rng = np.random.default_rng(0)
    names = [tuple(name for name, _ in effects.sample(rng)) for _ in range(400)]
    assert set(names) == {("grey",), ("grey", "jpeg")}
    assert names.count(("grey", "jpeg")) == pytest.approx(100, abs=30)


def test_smallest_digit():
    assert smallest_digit(NO_BOXES) == 24
    assert smallest_digit(np.array([[0, 0, 10, 30], [0, 0, 18, 7]])) == 18  # the second is rotated
    assert smallest_digit(np.array([[0, 0, 1, 2]])) == 6
