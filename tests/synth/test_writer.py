import hashlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitdet.common.errors import ConfigError, DataError
from digitdet.configs import LookConfig, SynthConfig, load_preset, replace
from digitdet.datasets.formats.numbers import NUMBERS_FILE, read_truths
from digitdet.datasets.formats.yolo import DATA_FILE, SPLITS, check_dataset, label_path, list_images, read_labels
from digitdet.datasets.mnist import load_split_digits
from digitdet.synth import sources, writer
from digitdet.synth.digits.fonts import system_font_folders
from digitdet.synth.scene import SceneComposer


@pytest.fixture(scope="module")
def mixed(few_fonts):
    """All looks that ship, on small canvases and with transforms of albumentations."""
    config = load_preset(SynthConfig, "synth", "mixed")
    changes = {
        "canvas_sizes": ((128, 96), (160, 64)),
        "transforms": {"RandomRain": {"p": 0.2}, "GaussNoise": {"p": 0.2, "std_range": [0.02, 0.05]}},
    }
    looks = {name: replace(look, **changes) for name, look in config.looks.items()}
    return replace(config, count=60, val_share=0.2, test_share=0.2, looks=looks, font_folders=(str(few_fonts),))


@pytest.fixture(scope="module")
def materials(mixed, tiny_materials):
    return tiny_materials(mixed)


def tree_hash(folder):
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@pytest.fixture(scope="module")
def whole(tmp_path_factory, mixed, materials):
    """A dataset written by one worker without interruption."""
    out = tmp_path_factory.mktemp("synth") / "whole"
    assert writer.write_dataset(mixed, materials, out, workers=1)
    return out


def test_layout_and_labels(whole):
    assert check_dataset(whole / DATA_FILE) == []
    assert {path.name for path in whole.iterdir()} == {"images", "labels", DATA_FILE, NUMBERS_FILE, writer.CONFIG_FILE}
    counts = {split: len(list_images(whole / "images" / split)) for split in SPLITS}
    assert counts == {"train": 36, "val": 12, "test": 12}


def test_numbers_match_the_labels(whole):
    truths = read_truths(whole / NUMBERS_FILE)
    assert [truth.image for truth in truths] == [
        path.relative_to(whole).as_posix() for split in SPLITS for path in list_images(whole / "images" / split)
    ]
    assert sum(len(truth.numbers) for truth in truths) > 60
    for truth in truths:
        image = cv2.imread(str(whole / truth.image))
        labels = read_labels(label_path(whole / truth.image))
        boxes = [box for number in truth.numbers for box in number.boxes]
        assert "".join(number.text for number in truth.numbers) == "".join(map(str, labels.classes))
        found = labels.xyxy(image.shape[1], image.shape[0])
        assert len(found) == len(boxes)
        assert all(found[i] == pytest.approx(box, abs=0.01) for i, box in enumerate(boxes))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 8])
def test_any_number_of_workers_writes_the_same_bytes(whole, mixed, materials, tmp_path, workers):
    """`test_killed_command_is_resumed` compares the first pictures of two workers."""
    counts = []
    writer.write_dataset(mixed, materials, tmp_path / "out", workers=workers, progress=counts.append)
    assert tree_hash(tmp_path / "out") == tree_hash(whole)
    assert sum(counts) == mixed.count


def test_another_seed_gives_other_pictures(mixed, materials, tmp_path):
    for seed in (0, 1):
        config = replace(mixed, count=5, seed=seed)
        writer.write_dataset(config, materials, tmp_path / str(seed), workers=1)
    assert tree_hash(tmp_path / "0" / "images") != tree_hash(tmp_path / "1" / "images")


def test_complete_dataset_is_not_changed(whole, mixed, materials):
    before = tree_hash(whole)
    assert not writer.write_dataset(mixed, materials, whole, workers=1)
    assert tree_hash(whole) == before


def test_other_settings_are_refused(whole, mixed, materials):
    before = tree_hash(whole)
    with pytest.raises(DataError, match="other settings"):
        writer.write_dataset(replace(mixed, count=121), materials, whole, workers=1)
    assert tree_hash(whole) == before


def test_foreign_folder_is_refused(mixed, materials, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        writer.write_dataset(mixed, materials, tmp_path, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sources": {"fnots": 1}}, r"looks: mine: sources: there is no 'fnots'; did you mean 'fonts'"),
        ({"sources": {"crops": 1}}, r"the source 'crops' needs --crops"),
        ({"layouts": {"paeg": 1}}, r"looks: mine: layouts: there is no 'paeg'; did you mean 'page'"),
        ({"transforms": {"Rotate": {}}}, r"^looks: mine: transforms: Rotate: not a pixel transform"),
        ({"surfaces": {"papper": 1}}, r"surfaces: there is no 'papper'; did you mean 'paper'"),
    ],
)
def test_unknown_ingredient_is_named_before_anything_is_written(
    tiny_materials, tmp_path, monkeypatch, changes, expected, workers
):
    monkeypatch.setattr(writer, "ProcessPoolExecutor", lambda *_a, **_k: pytest.fail("a worker was started"))
    config = SynthConfig(looks={"mine": LookConfig(**changes)})
    with pytest.raises(ConfigError, match=expected) as caught:
        writer.write_dataset(config, tiny_materials(config), tmp_path / "out", workers)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_sources_of_a_look_without_weight_are_not_loaded(tiny_materials, tmp_path):
    config = SynthConfig(looks={"mnist": LookConfig(), "off": LookConfig(weight=0, sources={"fonts": 1})})
    materials = tiny_materials(config)
    assert set(materials.sources["train"]) == {"mnist"}
    assert writer.write_dataset(replace(config, count=3), materials, tmp_path / "out", workers=1)


def test_materials_survive_pickling(mixed, materials):
    """Workers get pickled materials; scenes composed with the copy are the same."""
    copy = pickle.loads(pickle.dumps(materials))
    for split in SPLITS:
        one, other = (SceneComposer(mixed, m.sources[split], m.backgrounds[split]) for m in (materials, copy))
        for index in range(2):
            rng = writer.picture_rng(0, split, index)
            scene, same = one.compose(rng), other.compose(writer.picture_rng(0, split, index))
            assert np.array_equal(scene.image, same.image)
            assert np.array_equal(scene.boxes, same.boxes)


# --- unusable files of the user ---


def font_folder(folder, digits, few_fonts):
    shutil.copytree(few_fonts, folder)
    (folder / "broken.ttf").write_bytes(b"no font")
    return SynthConfig(font_folders=(str(folder),), looks={"type": LookConfig(sources={"fonts": 1})})


def crop_folder(folder, digits, few_fonts):
    digits = digits[:30]
    for index, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / str(label) / f"{index}.png"), image)
    (folder / "5" / "broken.png").write_bytes(b"no picture")
    return SynthConfig(crops=str(folder), looks={"mine": LookConfig(sources={"crops": 1})})


def background_folder(folder, digits, few_fonts):
    folder.mkdir()
    for index in range(3):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((60, 60, 3), 60 * index + 30, np.uint8))
    (folder / "broken.png").write_bytes(b"no picture")
    return SynthConfig(background_folder=str(folder), looks={"on": LookConfig(surfaces={"folder": 1})})


MATERIAL = pytest.mark.parametrize("make", [font_folder, crop_folder, background_folder])


@MATERIAL
def test_broken_file_is_skipped_and_reported(tiny_materials, tmp_path, digits, few_fonts, make):
    config = replace(make(tmp_path / "mine", digits, few_fonts), count=6)
    materials = tiny_materials(config)
    (line,) = materials.skipped
    path, reason = line.split(": ", 1)
    assert Path(path).name.startswith("broken.")
    assert reason
    assert writer.write_dataset(config, materials, tmp_path / "out", workers=1)


@MATERIAL
def test_folder_of_broken_files_is_an_error_of_one_line(tiny_materials, tmp_path, digits, few_fonts, make):
    config = make(tmp_path / "mine", digits, few_fonts)
    for path in (path for path in (tmp_path / "mine").rglob("*") if path.is_file()):
        path.write_bytes(b"broken")
    with pytest.raises(DataError) as caught:
        tiny_materials(config)
    assert str(tmp_path / "mine") in str(caught.value)
    assert "\n" not in str(caught.value)


@MATERIAL
def test_empty_folder_is_an_error_of_one_line(tiny_materials, tmp_path, digits, few_fonts, make):
    config = make(tmp_path / "mine", digits, few_fonts)
    shutil.rmtree(tmp_path / "mine")
    (tmp_path / "mine").mkdir()
    with pytest.raises(DataError, match=str(tmp_path / "mine")) as caught:
        tiny_materials(config)
    assert "\n" not in str(caught.value)


def test_fonts_of_matplotlib_are_used_if_the_system_has_none(tiny_materials, tmp_path, monkeypatch):
    folder = system_font_folders()[-1]
    assert "matplotlib" in str(folder)
    monkeypatch.setattr(sources, "system_font_folders", lambda: [folder])
    config = replace(load_preset(SynthConfig, "synth", "mixed"), count=6)
    assert writer.write_dataset(config, tiny_materials(config), tmp_path / "out", workers=1)


def test_interrupted_dataset_is_reported_as_incomplete_and_resumed(whole, mixed, materials, tmp_path):
    class StopError(Exception):
        pass

    def stop(count):
        if count:
            raise StopError

    out = tmp_path / "out"
    with pytest.raises(StopError):
        writer.write_dataset(mixed, materials, out, workers=1, progress=stop)
    with pytest.raises(DataError, match=r"data\.yaml"):
        check_dataset(out / DATA_FILE)
    done_before = []
    writer.write_dataset(mixed, materials, out, workers=1, progress=done_before.append)
    assert done_before[0] > 0  # complete chunks are not composed again
    assert tree_hash(out) == tree_hash(whole)


KILLED = """
import sys
from pathlib import Path
if __name__ == "__main__":
    from conftest import load_tiny_materials  # here: the workers, which import this file, need none of it
    from digitdet.configs import SynthConfig, load_config
    from digitdet.synth.writer import write_dataset
    config = load_config(SynthConfig, Path(sys.argv[1]))
    materials = load_tiny_materials(config)
    write_dataset(config, materials, Path(sys.argv[2]), workers=2, progress=lambda count: print(count, flush=True))
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_killed_command_is_resumed(whole, mixed, materials, tmp_path):
    script, settings, out = tmp_path / "compose.py", tmp_path / "mixed.yaml", tmp_path / "out"
    script.write_text(KILLED)
    settings.write_text(mixed.to_yaml())
    places = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}
    command = [sys.executable, str(script), str(settings), str(out)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout.readline().strip() == b"0"
        process.stdout.readline()  # a chunk of 12 pictures is done, that of 36 is in progress
        process.send_signal(signal.SIGKILL)
    # The workers notice that their parent is gone and exit.
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
            time.sleep(0.05)
        except ProcessLookupError:
            break
    else:
        pytest.fail("a worker outlived its parent")
    assert not (out / DATA_FILE).exists()
    assert writer.write_dataset(mixed, materials, out, workers=1)
    assert tree_hash(out) == tree_hash(whole)


def test_real_mnist_is_split_55_5_10(real_mnist):
    parts = load_split_digits(real_mnist)
    assert {split: len(part) for split, part in parts.items()} == {"train": 55000, "val": 5000, "test": 10000}
