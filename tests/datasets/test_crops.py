import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitdet.common.errors import DataError
from digitdet.datasets.crops import Crops, load_crops, split_crops
from digitdet.synth.digits.crops import CropGlyphs, extract_ink

COLOURS = {
    "black on white": ((0, 0, 0), (255, 255, 255)),
    "white on black": ((255, 255, 255), (0, 0, 0)),
    "faint grey on grey": ((150, 150, 150), (190, 190, 190)),
    "red on green of the same grey": ((40, 40, 200), (40, 123, 0)),
}


def draw_crop(digit, ink=(0, 0, 0), background=(255, 255, 255), size=(60, 44), seed=0):
    image = np.full((*size, 3), background, np.uint8)
    scale = size[0] / 33
    place = (int(size[1] * 0.15) + seed % 3, int(size[0] * 0.85))
    cv2.putText(image, str(digit), place, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, max(round(scale * 2.5), 1), cv2.LINE_AA)
    return image


@pytest.fixture
def folder(tmp_path):
    for digit in range(10):
        (tmp_path / str(digit)).mkdir()
        for number in range(4):
            image = draw_crop(digit, size=(40 + 7 * number, 32 + 5 * number))
            assert cv2.imwrite(str(tmp_path / str(digit) / f"{number}.{'jpg' if number else 'png'}"), image)
    return tmp_path


def test_load_a_folder(folder):
    crops = load_crops(folder)
    assert len(crops) == 40
    assert crops.labels.dtype == np.uint8
    assert crops.labels.tolist() == [digit for digit in range(10) for _ in range(4)]
    assert crops.names[:2] == ("0/0.png", "0/1.jpg")
    assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in crops.images)
    assert crops.skipped == ()


def test_load_a_csv_file(folder):
    lines = [f"{digit}/{number}.jpg,{digit}" for digit in range(10) for number in (1, 2)]
    path = folder / "digits.csv"
    path.write_text("\ufeffimage,label\r\n" + "\r\n".join([*lines, "nowhere.png,3"]), encoding="utf-8")
    crops = load_crops(path)
    assert crops.labels.tolist() == [digit for digit in range(10) for _ in range(2)]
    assert len(crops.skipped) == 1 and "nowhere.png: " in crops.skipped[0]


def test_unusable_pictures_are_skipped_with_a_reason(folder):
    whole = (folder / "5" / "3.jpg").read_bytes()
    bad = {
        "cut.jpg": (whole[: len(whole) // 2], "cut off"),
        "empty.png": (b"", "the file is empty"),
        "text.jpg": (b"no picture", "not a picture"),
        "z_copy.jpg": (whole, "same picture"),
        "blank.png": (cv2.imencode(".png", np.full((20, 20), 200, np.uint8))[1].tobytes(), "blank"),
        "dot.png": (cv2.imencode(".png", np.eye(2, dtype=np.uint8) * 255)[1].tobytes(), "too few"),
    }
    for name, (content, _) in bad.items():
        (folder / "5" / name).write_bytes(content)
    (folder / "5" / "notes.txt").write_text("no suffix of a picture")
    crops = load_crops(folder)
    assert len(crops) == 40
    assert len(crops.skipped) == len(bad)
    for name, (_, reason) in bad.items():
        line = next(line for line in crops.skipped if name in line)
        assert reason in line and "\n" not in line


def test_digits_on_a_transparent_background_are_read(folder):
    ink = 255 - draw_crop(3)[:, :, 0]
    picture = np.dstack([np.zeros((*ink.shape, 3), np.uint8), ink])  # black everywhere, opaque where the ink is
    cv2.imwrite(str(folder / "3" / "transparent.png"), picture)
    crops = load_crops(folder)
    assert np.ptp(crops.images[crops.names.index("3/transparent.png")]) > 100


def test_large_pictures_are_shrunk(folder):
    cv2.imwrite(str(folder / "7" / "large.png"), draw_crop(7, size=(600, 400)))
    crops = load_crops(folder)
    assert crops.images[crops.names.index("7/large.png")].shape == (192, 128, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("picture,digit\na.png,1\n", "the column image is missing in the first line"),
        ("", "the column image is missing in the first line"),
        ("image,label\na.png,x\n", "line 2"),
        ("image,label\na.png\n", "line 2"),
        (f"image,label\n{'x' * 200_000},1\n", "not a CSV file"),
        ("image,label\n", "no usable pictures"),
        ("image,label\na.png,1\n", "no usable pictures.*a.png"),
    ],
)
def test_invalid_csv_files_are_rejected(tmp_path, content, message):
    path = tmp_path / "digits.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        load_crops(path)
    assert "\n" not in str(caught.value) and "digits.csv" in str(caught.value)


def test_missing_files_are_rejected(folder):
    with pytest.raises(DataError, match="nowhere"):
        load_crops(folder / "nowhere")
    for path in (folder / "6").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="no usable picture of a 6"):
        load_crops(folder)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=10, max_size=10), st.randoms(use_true_random=False))
def test_splits_never_share_a_crop(counts, random):
    rows = [(f"{digit}/{number}.png", digit) for digit, count in enumerate(counts) for number in range(count)]
    images = {name: np.zeros((4, 4, 3), np.uint8) for name, _ in rows}

    def collect(rows):
        names = tuple(name for name, _ in rows)
        return Crops(tuple(images[name] for name in names), np.array([d for _, d in rows], np.uint8), names, ("x: y",))

    splits = split_crops(collect(rows))
    names = [name for part in splits.values() for name in part.names]
    assert sorted(names) == sorted(name for name, _ in rows)
    for part in splits.values():
        assert all(name.startswith(f"{label}/") for name, label in zip(part.names, part.labels, strict=True))
        assert all(image is images[name] for image, name in zip(part.images, part.names, strict=True))
        assert {digit for digit in range(10) if counts[digit] >= 3} <= set(part.labels.tolist())
    assert set(splits["train"].labels.tolist()) == set(range(10))
    random.shuffle(rows)
    again = split_crops(collect(rows))
    assert {split: set(part.names) for split, part in again.items()} == {s: set(p.names) for s, p in splits.items()}


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("digit", [0, 1, 4, 8])
def test_ink_is_separated_from_its_background(name, digit):
    ink, background = COLOURS[name]
    mask = draw_crop(digit, (255, 255, 255), (0, 0, 0))[:, :, 0]
    x, y, width, height = cv2.boundingRect((mask > 90).astype(np.uint8))
    found = extract_ink(draw_crop(digit, ink, background))
    assert abs(found.shape[0] - height) <= 2 and abs(found.shape[1] - width) <= 2
    expected = cv2.resize(mask[y : y + height, x : x + width], found.shape[::-1])
    assert np.abs(found.astype(float) - expected).mean() < 25
    assert found.max() == 255


def test_noise_frames_and_specks_are_no_ink():
    image = draw_crop(5, size=(80, 70))
    clean = extract_ink(image)
    image[:3] = (30, 30, 30)
    image[70:72, 60:62] = 0
    noisy = np.clip(image + np.random.default_rng(0).normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    found = extract_ink(noisy)
    assert abs(found.shape[0] - clean.shape[0]) <= 2 and abs(found.shape[1] - clean.shape[1]) <= 2


def test_crop_glyphs(folder):
    source, rng = CropGlyphs(load_crops(folder)), np.random.default_rng(0)
    for digit in range(10):
        glyph = source.sample(rng, digit)
        assert glyph.label == digit
        assert glyph.ink.dtype == np.float32
        assert glyph.ink.min() >= 0 and glyph.ink.max() == 1
        for edge in (glyph.ink[0], glyph.ink[-1], glyph.ink[:, 0], glyph.ink[:, -1]):
            assert edge.max() >= 0.3
    first, second = (source.sample(np.random.default_rng(9), 4).ink for _ in range(2))
    assert np.array_equal(first, second)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(4, 40), st.integers(4, 40), st.integers(0, 2**32 - 1))
def test_any_picture_gives_ink_or_none(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    ink = extract_ink(image)
    assert ink is None or (ink.dtype == np.uint8 and 1 < ink.shape[0] <= height and ink.shape[1] <= width)


def test_a_digit_without_ink_is_rejected(folder):
    crops = load_crops(folder)
    blank = tuple(
        np.full_like(image, 90) if label == 3 else image
        for image, label in zip(crops.images, crops.labels, strict=True)
    )
    with pytest.raises(DataError, match="picture of a 3"):
        CropGlyphs(Crops(blank, crops.labels, crops.names))
