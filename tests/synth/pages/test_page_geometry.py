"""The map from the flat page to the canvas."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from digitdet.configs.look import LookConfig
from digitdet.synth.pages.page_geometry import PageMap, sample_page_map

FLAT = {"page_angle": (0, 0)}
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.sampled_from([(320, 320), (320, 96), (240, 320), (32, 640)])
LOOKS = st.builds(
    lambda angle, perspective, curve: LookConfig(
        page_angle=(-angle, angle), perspective=perspective, curve=curve, curved_share=1
    ),
    st.floats(0, 40),
    st.floats(0, 0.5),
    st.just(0.0) | st.floats(0.01, 0.3),
)


def sample(seed, look, size):
    return sample_page_map(np.random.default_rng(seed), look, *size)


def linearised(page, x, y):
    """The canvas point and the Jacobian of one page point."""
    points, jacobians = page.linearise([(x, y)])
    return points[0], jacobians[0]


def outline(width, height, count=101):
    along = np.linspace(-0.5, 0.5, count)
    sides = [(along, -0.5), (along, 0.5), (-0.5, along), (0.5, along)]
    return np.concatenate([np.column_stack(np.broadcast_arrays(x, y)) for x, y in sides]) * (width, height)


def invert(page, seen):
    """Page points of canvas points: the inverse of the homography, then of the arc."""
    points = np.column_stack([seen, np.ones(len(seen))]) @ np.linalg.inv(page.matrix).T
    x, y = (points[:, :2] / points[:, 2:]).T
    if not page.radius:
        return np.column_stack([x, y])
    r = page.radius
    reach = np.sign(r) * np.hypot(x, r - y)
    return np.column_stack([r * np.arctan2(x * np.sign(r), (r - y) * np.sign(r)), r - reach])


@pytest.mark.parametrize("size", [(320, 320), (320, 96)])
def test_page_without_rotation_is_only_translated(size):
    page, width, height = sample(3, LookConfig(**FLAT), size)
    assert (width, height) == pytest.approx(size)
    points = np.array([[0.0, 0.0], [12.5, -7.0], [-100.0, 30.0]])
    assert page.apply(points) == pytest.approx(points + np.array(size) / 2)
    centre, slope = linearised(page, 4.0, 5.0)
    assert centre == pytest.approx(np.array(size) / 2 + (4, 5))
    assert slope == pytest.approx(np.eye(2), abs=1e-9)


def test_positive_angles_rotate_clockwise():
    page, _, _ = sample(0, LookConfig(page_angle=(30, 30)), (320, 320))
    right = page.apply([[100.0, 0.0]])[0] - 160
    assert right == pytest.approx([100 * np.cos(np.pi / 6), 100 * np.sin(np.pi / 6)])  # y points down


def test_small_angles_are_the_most_common():
    look = LookConfig(page_angle=(-40, 40))
    angles = []
    for seed in range(400):
        _, slope = linearised(sample(seed, look, (320, 320))[0], 0.0, 0.0)
        angles.append(np.degrees(np.arctan2(slope[1, 0], slope[0, 0])))
    assert np.abs(angles).max() <= 40.1
    assert np.mean(np.abs(angles) < 20) > 0.65
    assert abs(np.mean(angles)) < 3


@settings(max_examples=60, deadline=None)
@given(crop=st.floats(0.01, 0.8), seed=SEEDS, size=SIZES)
def test_crop_is_limited_and_stays_on_the_page(crop, seed, size):
    page, width, height = sample(seed, LookConfig(**FLAT, crop=crop), size)
    assert (width, height) == pytest.approx(size)  # the draft is not cropped
    first, last = page.apply([[-width / 2, -height / 2], [width / 2, height / 2]])
    assert (first <= 1e-6).all()
    assert (last >= np.array(size) - 1e-6).all()
    zoom = (last - first) / size
    assert zoom[0] == pytest.approx(zoom[1])
    assert zoom[0] >= 1 - 1e-9
    assert 1 / zoom[0] >= 1 - crop - 1e-9


def test_small_crops_are_the_most_common():
    look = LookConfig(**FLAT, crop=0.4)
    cut = [1 - 1 / sample(seed, look, (320, 320))[0].matrix[0, 0] for seed in range(400)]
    assert 0.3 < max(cut) <= 0.4
    assert np.mean(np.array(cut) < 0.1) == pytest.approx(0.5, abs=0.08)  # the square root of a quarter


@settings(max_examples=60, deadline=None)
@given(look=LOOKS, seed=SEEDS, size=SIZES)
def test_the_visible_part_is_on_the_canvas(look, seed, size):
    page, width, height = sample(seed, look, size)
    assert 0 < width <= size[0]
    assert 0 < height <= size[1]
    seen = page.apply(outline(width, height))
    assert (seen >= -1.5).all()
    assert (seen <= np.array(size) + 1.5).all()


@settings(max_examples=60, deadline=None)
@given(look=LOOKS, seed=SEEDS, size=SIZES)
def test_inverse_and_jacobian_agree_with_the_map(look, seed, size):
    page, width, height = sample(seed, look, size)
    assume(not page.radius or abs(page.radius) > 0.6 * size[1])  # narrow pages fold
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.5, 0.5, (8, 2)) * (width, height)
    assert invert(page, page.apply(points)) == pytest.approx(points, abs=1e-6)
    step = 1e-3
    bend = 0.6 / abs(page.radius) if page.radius else 0.0  # change of the slope within the finite difference
    for x, y in points:
        centre, slope = linearised(page, x, y)
        assert centre == pytest.approx(page.apply([[x, y]])[0])
        across = (page.apply([[x + step, y]]) - page.apply([[x - step, y]]))[0] / (2 * step)
        down = (page.apply([[x, y + step]]) - page.apply([[x, y - step]]))[0] / (2 * step)
        assert slope == pytest.approx(np.column_stack([across, down]), rel=0.02, abs=0.02 + bend)
        assert np.linalg.det(slope) > 0  # no digit is mirrored


@pytest.mark.parametrize("radius", [150.0, -150.0, 600.0])
def test_a_bent_line_keeps_its_length(radius):
    page = PageMap(np.eye(3), radius)
    x = np.linspace(-60, 60, 2001)
    bent = page.apply(np.column_stack([x, np.zeros_like(x)]))
    assert np.hypot(*np.diff(bent, axis=0).T).sum() == pytest.approx(120, rel=1e-4)
    middle, end = bent[1000], bent[-1]
    assert middle == pytest.approx([0, 0], abs=1e-9)
    assert np.sign(end[1] - middle[1]) == np.sign(radius)  # positive: the ends bend down


def test_curve_limits_the_sag():
    look = LookConfig(**FLAT, curve=0.2, curved_share=1)
    for seed in range(30):
        page, _, _ = sample(seed, look, (320, 320))
        middle, end = page.apply([[0.0, 0.0], [160.0, 0.0]])
        assert 0.04 * 320 < abs(end[1] - middle[1]) < 0.21 * 320


def test_curved_pages_have_the_share_of_the_look():
    look = LookConfig(curve=0.2, curved_share=0.3)
    curved = [sample(seed, look, (320, 320))[0].radius != 0 for seed in range(300)]
    assert 0.2 < np.mean(curved) < 0.4
    assert sample(0, LookConfig(curved_share=1), (320, 320))[0].radius == 0  # without a curve there is no arc


def test_narrow_page_does_not_fold():
    """Text would be upside down below the centre of an arc, and squeezed near it."""
    look = LookConfig(**FLAT, curve=0.25, curved_share=1)
    for seed in range(10):
        page, _, height = sample(seed, look, (96, 320))
        for y in (-height / 2, height / 2):
            assert np.linalg.det(linearised(page, 0.0, y)[1]) > 0.3
