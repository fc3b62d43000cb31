import random
from dataclasses import replace

import cv2
import numpy as np
import pytest

from digitdet.common.errors import ConfigError
from digitdet.configs import SynthConfig, load_config, parse_config
from digitdet.configs.look import LookConfig
from digitdet.synth.effects.transforms import PixelTransforms
from digitdet.synth.scene import SceneComposer

BLUR = {"MotionBlur": {"p": 0.2, "blur_limit": [3, 9]}}
USABLE = [
    *("AdditiveNoise", "AdvancedBlur", "AutoContrast", "Blur", "CLAHE", "ChannelShuffle", "ColorJitter", "Defocus"),
    *("Downscale", "Equalize", "GaussNoise", "GlassBlur", "ISONoise", "ImageCompression", "MedianBlur", "MotionBlur"),
    *("PlanckianJitter", "RandomFog", "RandomRain", "SaltAndPepper", "Sharpen", "ShotNoise", "ToGray"),
]


def make_picture():
    """A dark square on a light ground with a little noise."""
    picture = np.full((101, 120, 3), (200, 210, 220), np.uint8) - np.random.default_rng(0).integers(
        0, 6, (101, 120, 3), np.uint8
    )
    picture[40:61, 40:61] = (30, 60, 90)
    return picture


def make_config(transforms, **look):
    plain = {"digits_per_number": (2, 3), "digit_height": (24, 40), "effects": {"jpeg": 0.5}, **look}
    return SynthConfig(looks={"mine": LookConfig(transforms=transforms, **plain)})


@pytest.mark.parametrize("name", USABLE)
def test_transform_depends_only_on_its_seed(name):
    picture = make_picture()
    before = picture.copy()
    results = []
    for seed in (1, 2):  # of the global generators
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        cv2.setRNGSeed(seed)
        transforms = PixelTransforms({name: {}})
        transforms.apply(picture, ((name, seed),))
        results.append(transforms.apply(picture, ((name, 7),)))
    assert np.array_equal(*results)
    assert (results[0].shape, results[0].dtype) == (picture.shape, np.uint8)
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("name", ["Downscale", "MotionBlur", "GaussianBlur", "GlassBlur", "Defocus"])
def test_digits_stay_where_they_are(name):
    transforms = PixelTransforms({name: {}})
    picture = np.zeros((101, 101, 3), np.uint8)
    picture[20:41, 60:81] = 255
    for seed in range(20):
        weights = transforms.apply(picture, ((name, seed),)).mean(axis=2)
        ys, xs = np.indices(weights.shape)
        assert np.average(ys, weights=weights) == pytest.approx(30, abs=1.5)
        assert np.average(xs, weights=weights) == pytest.approx(70, abs=1.5)


def test_colours_are_in_the_order_of_albumentations():
    red = np.zeros((40, 40, 3), np.uint8)
    red[..., 2] = 200  # BGR
    shift = {"r_shift_limit": [-100, -100], "g_shift_limit": [0, 0], "b_shift_limit": [0, 0]}
    changed = PixelTransforms({"RGBShift": shift}).apply(red, (("RGBShift", 0),))
    assert changed[0, 0].tolist() == [0, 0, 100]


def test_transforms_are_drawn_independently_with_their_p():
    transforms = PixelTransforms(
        {"Blur": {"p": 0.5}, "ToGray": {"p": 1}, "InvertImg": {"p": 0}, "Solarize": {"p": 0.5}}
    )
    rng = np.random.default_rng(0)
    drawn = [tuple(name for name, _ in transforms.sample(rng)) for _ in range(400)]
    assert set(drawn) == {
        *(("ToGray",), ("Blur", "ToGray"), ("ToGray", "Solarize")),
        ("Blur", "ToGray", "Solarize"),
    }
    assert sum("Blur" in names for names in drawn) == pytest.approx(200, abs=40)
    assert drawn.count(("Blur", "ToGray", "Solarize")) == pytest.approx(100, abs=35)


def test_without_transforms_nothing_is_drawn():
    rng = np.random.default_rng(0)
    state = rng.bit_generator.state
    assert PixelTransforms({}).sample(rng) == ()
    assert rng.bit_generator.state == state


@pytest.mark.parametrize(
    ("transforms", "message"),
    [
        ({"MotionBlurr": {}}, "there is no 'MotionBlurr'; did you mean 'MotionBlur'"),
        ({"Compose": {}}, "there is no 'Compose'"),
        ({"ZoomBlur": {}}, "not a pixel transform"),
        ({"ImageOnlyTransform": {}}, "there is no 'ImageOnlyTransform'"),
        ({"Rotate": {}}, "Rotate: not a pixel transform: it may move or erase digits.* use page_angle"),
        ({"CoarseDropout": {}}, "CoarseDropout: not a pixel transform"),
        ({"MotionBlur": {"blur": 3}}, "MotionBlur: there is no 'blur'; did you mean 'blur_limit'"),
        ({"MedianBlur": {"strict": True}}, "MedianBlur: there is no 'strict'"),
        ({"MotionBlur": {"blur_limit": "wide"}}, "MotionBlur: blur_limit: Input should be a valid tuple"),
        ({"MotionBlur": {"blur_limit": [9, 3]}}, "MotionBlur: blur_limit: Invalid range"),
        ({"ImageCompression": {"quality_range": [50, 20]}}, "ImageCompression: quality_range: .*less than"),
        ({"Blur": {"p": 1.5}}, "Blur: p: Input should be less than or equal to 1"),
        ({"ToSepia": {"p": "often"}}, "ToSepia: p: "),
        ({"HistogramMatching": {}}, "HistogramMatching: .*missing keys"),
        ({"TextImage": {}}, "TextImage: font_path: Field required"),
        ({"Normalize": {}}, r"Normalize: returns float32 \(64, 96, 3\)"),
        ({"ToGray": {"num_output_channels": 1}}, r"ToGray: returns uint8 \(64, 96\)"),
    ],
)
def test_wrong_transform_is_refused_in_one_line(transforms, message):
    with pytest.raises(ConfigError, match=message) as caught:
        PixelTransforms(transforms)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [3, None, {"MotionBlur": 3}, {"MotionBlur": {"blur_limit": {3: 9}}}])
def test_setting_of_a_wrong_type_is_refused(value):
    with pytest.raises(ConfigError, match=r"transforms: .* is not allowed"):
        LookConfig(transforms=value)


def test_settings_survive_yaml(tmp_path):
    transforms = {**BLUR, "AdditiveNoise": {"noise_type": "uniform", "noise_params": {"ranges": [[-0.1, 0.1]]}}}
    config = make_config(transforms)
    assert parse_config(SynthConfig, config.to_yaml(), "there") == config
    assert config == make_config({**transforms, "MotionBlur": {"p": 0.2, "blur_limit": (3, 9)}})
    (tmp_path / "look.yaml").write_text(
        "looks: {print: {transforms: {MotionBlur: {p: 0.2, blur_limit: [3, 9]}}}}", encoding="utf-8"
    )
    assert load_config(SynthConfig, tmp_path / "look.yaml").looks["print"].transforms == BLUR


def test_only_the_named_pictures_change(tiny_materials):
    plain, blurred = make_config({}), make_config({"ToSepia": {"p": 0.5}})
    sources = tiny_materials(plain).sources["train"]
    composers = [SceneComposer(config, sources) for config in (plain, blurred)]
    changed = 0
    for index in range(20):
        plans = [composer.sample_plan(np.random.default_rng(index)) for composer in composers]
        assert repr(replace(plans[1], transforms=())) == repr(plans[0])
        before, after = (composer.render_plan(plan)[0] for composer, plan in zip(composers, plans, strict=True))
        assert np.array_equal(before.boxes, after.boxes)
        assert np.array_equal(before.image, after.image) == (not plans[1].transforms)
        changed += bool(plans[1].transforms)
    assert 4 <= changed <= 16


def test_numbers_that_a_transform_hides_are_left_out(tiny_materials):
    black = {"RandomBrightnessContrast": {"p": 1, "brightness_limit": [-1, -1], "contrast_limit": [-0.9, -0.9]}}
    config = make_config(black, blank_share=0.0)
    composer = SceneComposer(config, tiny_materials(config).sources["train"])
    assert not any(composer.compose(np.random.default_rng(seed)).numbers for seed in range(5))
