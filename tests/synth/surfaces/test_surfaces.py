"""Drawn surfaces: their form, their brightness, that they are drawn from the generator alone, and the names."""

from __future__ import annotations

import numpy as np
import pytest

from digitdet.common.errors import ConfigError
from digitdet.synth.surfaces.fields import LUMA, clouds, grain, stripes, with_level
from digitdet.synth.surfaces.surface_registry import surface
from digitdet.synth.surfaces.surfaces import SURFACES, check_surfaces, sample_surface

RED = np.full((90, 200, 3), (10, 20, 230), np.uint8)


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def mean_luma(ground: np.ndarray) -> float:
    return float((ground @ LUMA).mean())


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize(("width", "height"), [(320, 320), (320, 96), (33, 32), (32, 64)])
def test_ground_has_the_size_the_type_and_the_range(name, width, height):
    for light in (True, False):
        for seed in range(3):
            ground = SURFACES[name](rng(seed), width, height, light)
            assert ground.shape == (height, width, 3)
            assert ground.dtype == np.float32
            assert ground.flags.writeable
            assert np.isfinite(ground).all()
            assert ground.min() >= 0
            assert ground.max() <= 255


@pytest.mark.parametrize("name", SURFACES)
def test_light_grounds_take_dark_ink_and_dark_ones_light_ink(name):
    light = [mean_luma(SURFACES[name](rng(seed, 1), 160, 120, True)) for seed in range(40)]
    dark = [mean_luma(SURFACES[name](rng(seed, 2), 160, 120, False)) for seed in range(40)]
    assert min(light) > 120
    assert max(dark) < 130
    assert np.mean(light) > 150
    assert np.mean(dark) < 95


@pytest.mark.parametrize("name", SURFACES)
def test_no_ground_is_as_contrasty_as_ink(name):
    """Nine tenths of the ground stay within a span that leaves room for ink."""
    spans = []
    for seed in range(20):
        luma = SURFACES[name](rng(seed, 3), 160, 160, seed % 2 == 0) @ LUMA
        spans.append(float(np.subtract(*np.percentile(luma, (95, 5)))))
    assert np.median(spans) < 70


@pytest.mark.parametrize("name", SURFACES)
def test_same_state_gives_the_same_ground_in_any_order(name):
    first = SURFACES[name](rng(7), 200, 120, True)
    np.random.seed(1)  # noqa: NPY002  (global state must not count)
    for other in SURFACES:
        SURFACES[other](rng(8), 64, 64, False)
    assert np.array_equal(SURFACES[name](rng(7), 200, 120, True), first)
    assert not np.array_equal(SURFACES[name](rng(9), 200, 120, True), first)


def test_canvas_wider_than_the_noise_is_filled():
    noise = grain(rng(0), 2500, 40)
    assert noise.shape == (40, 2500)
    assert noise.std() == pytest.approx(1, abs=0.05)
    assert SURFACES["paper"](rng(0), 4096, 32, True).shape == (32, 4096, 3)


@pytest.mark.parametrize("cell", [1, 2.5, 9, (60, 2), (1, 300), (10_000, 40)])
def test_grain_is_about_zero(cell):
    fields = [grain(rng(seed), 120, 80, cell) for seed in range(60)]
    assert all(field.shape == (80, 120) and field.dtype == np.float32 for field in fields)
    assert abs(np.mean(fields)) < 0.5
    assert 0.3 < np.std(fields) < 1.5


def test_grain_can_be_changed_without_changing_the_next():
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
def test_colour_is_brought_to_a_level(colour, level):
    changed = with_level(colour, level)
    assert changed @ LUMA == pytest.approx(level, abs=0.5)
    assert changed.min() >= 0
    assert changed.max() <= 255.01


def test_weights_say_which_surfaces_are_drawn():
    weights = {"plain": 1.0, "folder": 1.0, "brick": 0.0}
    draws = [sample_surface(rng(seed), weights, 64, 48, True, [RED]) for seed in range(60)]
    cuts = [np.abs(ground - RED[0, 0]).max() < 3 for ground in draws]
    assert 15 < sum(cuts) < 45
    assert all(ground.dtype == np.float32 and ground.shape == (48, 64, 3) for ground in draws)
    assert all(np.ptp(ground, axis=(0, 1)).max() == 0 for ground in draws)  # plain or a cut of one colour: no brick


@pytest.mark.parametrize("weights", [{"folder": 5.0, "plain": 0.1}, {"folder": 1.0}])
def test_without_pictures_the_folder_does_not_count(weights):
    for seed in range(20):
        ground = sample_surface(rng(seed), weights, 40, 40, False)
        assert np.ptp(ground, axis=(0, 1)).max() == 0
        assert mean_luma(ground) < 130


@pytest.mark.parametrize(
    ("name", "nearest"), [("brik", "'brick'"), ("foldr", "'folder'"), ("zzzzzz", "aged, blackboard")]
)
def test_unknown_name_is_refused_with_the_nearest(name, nearest):
    with pytest.raises(ConfigError, match=f"surfaces: .*{name!r}.*{nearest}"):
        check_surfaces({"plain": 1.0, name: 1.0})


def test_every_surface_and_the_folder_may_be_named():
    check_surfaces({**dict.fromkeys(SURFACES, 1.0), "folder": 2.0})
    assert {"plain", "paper", "brick", "lcd"} <= set(SURFACES)


def test_new_look_is_one_function(monkeypatch):
    monkeypatch.delitem(SURFACES, "chessboard", raising=False)

    @surface("chessboard")
    def draw_chessboard(generator, width, height, light):
        squares = np.indices((height, width)).sum(axis=0) % 2
        return np.repeat(squares[..., None] * np.float32(300), 3, axis=2)

    check_surfaces({"chessboard": 1.0})
    ground = sample_surface(rng(0), {"chessboard": 1.0}, 6, 4, light=True)
    assert np.unique(ground).tolist() == [0, 255]  # cut to the range
    with pytest.raises(ValueError, match="two surfaces called 'chessboard'"):
        surface("chessboard")(draw_chessboard)
    del SURFACES["chessboard"]
