"""Generated surfaces: shape, brightness, reproducibility and names."""

from __future__ import annotations

import numpy as np
import pytest

from digitdet.synth.surfaces.fields import LUMA, clouds, grain, stripes, with_level
from digitdet.synth.surfaces.surfaces import SURFACES, draw_surface, sample_background

RED = np.full((90, 200, 3), (10, 20, 230), np.uint8)


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def mean_luma(background: np.ndarray) -> float:
    return float((background @ LUMA).mean())


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize(("width", "height"), [(320, 320), (320, 96), (33, 32), (32, 64)])
def test_shape_type_and_range(name, width, height):
    for light in (True, False):
        for seed in range(3):
            background = draw_surface(rng(seed), name, width, height, light)
            assert background.shape == (height, width, 3)
            assert background.dtype == np.float32
            assert background.flags.writeable
            assert np.isfinite(background).all()
            assert background.min() >= 0
            assert background.max() <= 255


@pytest.mark.parametrize("name", SURFACES)
def test_brightness_leaves_room_for_ink(name):
    light = [mean_luma(draw_surface(rng(seed, 1), name, 160, 120, True)) for seed in range(15)]
    dark = [mean_luma(draw_surface(rng(seed, 2), name, 160, 120, False)) for seed in range(15)]
    assert min(light) > 120
    assert max(dark) < 130
    assert np.mean(light) > 150
    assert np.mean(dark) < 95


@pytest.mark.parametrize("name", SURFACES)
def test_contrast_is_lower_than_that_of_ink(name):
    """Nine tenths of the pixels are within a span of levels that leaves room for ink."""
    spans = []
    for seed in range(10):
        luma = draw_surface(rng(seed, 3), name, 160, 160, seed % 2 == 0) @ LUMA
        spans.append(float(np.subtract(*np.percentile(luma, (95, 5)))))
    assert np.median(spans) < 70


@pytest.mark.parametrize("name", SURFACES)
def test_same_generator_state_gives_the_same_background(name):
    first = draw_surface(rng(7), name, 200, 120, True)
    np.random.seed(1)  # noqa: NPY002  (the global state must not matter)
    for other in SURFACES:
        draw_surface(rng(8), other, 64, 64, False)
    assert np.array_equal(draw_surface(rng(7), name, 200, 120, True), first)
    assert not np.array_equal(draw_surface(rng(9), name, 200, 120, True), first)


def test_canvas_larger_than_the_noise_is_filled():
    noise = grain(rng(0), 2500, 40)
    assert noise.shape == (40, 2500)
    assert noise.std() == pytest.approx(1, abs=0.05)
    assert draw_surface(rng(0), "paper", 4096, 32, True).shape == (32, 4096, 3)


@pytest.mark.parametrize("cell", [1, 2.5, 9, (60, 2), (1, 300), (10_000, 40)])
def test_grain_is_about_zero(cell):
    fields = [grain(rng(seed), 120, 80, cell) for seed in range(60)]
    assert all(field.shape == (80, 120) and field.dtype == np.float32 for field in fields)
    assert abs(np.mean(fields)) < 0.5
    assert 0.3 < np.std(fields) < 1.5


def test_changing_grain_does_not_change_later_grain():
    first = grain(rng(0), 50, 50)
    kept = first.copy()
    first += 100
    assert np.array_equal(grain(rng(0), 50, 50), kept)


def test_clouds_are_smooth():
    field = clouds(rng(3), 320, 200)
    assert np.abs(np.diff(field, axis=1)).max() < 0.1
    assert np.ptp(field) > 0.3


@pytest.mark.parametrize(("period", "thickness"), [(10, 1), (10, 2.5), (23.5, 0.7), (40, 12)])
def test_stripes_cover_their_share(period, thickness):
    cover = stripes(np.arange(0, 100 * period, 0.05, dtype=np.float32), period, thickness)
    assert (cover.min(), cover.max()) == (0, pytest.approx(min(thickness, 1)))
    assert cover.mean() == pytest.approx(thickness / period, rel=0.2)


@pytest.mark.parametrize("colour", [(0, 0, 255), (255, 255, 255), (0, 0, 0), (10, 200, 90)])
@pytest.mark.parametrize("level", [0, 40, 128, 250])
def test_with_level(colour, level):
    changed = with_level(colour, level)
    assert changed @ LUMA == pytest.approx(level, abs=0.5)
    assert changed.min() >= 0
    assert changed.max() <= 255.01


def test_surfaces_are_drawn_by_weight():
    weights = {"plain": 1.0, "folder": 1.0, "brick": 0.0}
    draws = [sample_background(rng(seed), weights, 64, 48, True, [RED]) for seed in range(60)]
    cuts = [np.abs(background - RED[0, 0]).max() < 3 for background in draws]
    assert 15 < sum(cuts) < 45
    assert all(background.dtype == np.float32 and background.shape == (48, 64, 3) for background in draws)
    assert all(
        np.ptp(background, axis=(0, 1)).max() == 0 for background in draws
    )  # plain or a cut of a plain picture, never brick


@pytest.mark.parametrize("weights", [{"folder": 5.0, "plain": 0.1}, {"folder": 1.0}])
def test_folder_is_ignored_without_pictures(weights):
    for seed in range(20):
        background = sample_background(rng(seed), weights, 40, 40, False)
        assert np.ptp(background, axis=(0, 1)).max() == 0
        assert mean_luma(background) < 130


def test_new_surface_is_one_function(monkeypatch):
    monkeypatch.delitem(SURFACES, "chessboard", raising=False)

    @SURFACES.add("chessboard")
    def draw_chessboard(generator, width, height, light):
        squares = np.indices((height, width)).sum(axis=0) % 2
        return np.repeat(squares[..., None] * np.float32(300), 3, axis=2)

    background = sample_background(rng(0), {"chessboard": 1.0}, 6, 4, light=True)
    assert np.unique(background).tolist() == [0, 255]  # clipped
    with pytest.raises(ValueError, match="two functions called 'chessboard'"):
        SURFACES.add("chessboard")(draw_chessboard)
    del SURFACES["chessboard"]
