import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitdet.configs import DataError, SynthConfig, replace
from digitdet.datasets.folder import DATA_FILE, SPLITS, check_dataset, label_path, list_images
from digitdet.datasets.labels import read_labels
from digitdet.datasets.numbers import FILE_NAME, read_truths
from digitdet.synth import writer
from digitdet.synth.sources import load_split_digits

CONFIG = SynthConfig(
    count=120, val_share=0.1, test_share=0.1, canvas_sizes=((96, 96), (128, 64)), digit_height=(14, 40)
)


def tree_hash(folder):
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@pytest.fixture(scope="module")
def whole(tmp_path_factory, split_digits):
    """A dataset written by one worker without a break."""
    out = tmp_path_factory.mktemp("synth") / "whole"
    assert writer.write_dataset(CONFIG, split_digits, out, workers=1)
    return out


def test_layout_and_labels(whole):
    assert check_dataset(whole / DATA_FILE) == []
    assert {path.name for path in whole.iterdir()} == {"images", "labels", DATA_FILE, FILE_NAME, writer.CONFIG_FILE}
    counts = {split: len(list_images(whole / "images" / split)) for split in SPLITS}
    assert counts == {"train": 96, "val": 12, "test": 12}


def test_numbers_and_labels_say_the_same(whole):
    truths = read_truths(whole / FILE_NAME)
    assert [truth.image for truth in truths] == [
        path.relative_to(whole).as_posix() for split in SPLITS for path in list_images(whole / "images" / split)
    ]
    assert sum(len(truth.numbers) for truth in truths) > 100
    for truth in truths:
        image = cv2.imread(str(whole / truth.image))
        labels = read_labels(label_path(whole / truth.image))
        boxes = [box for number in truth.numbers for box in number.boxes]
        assert "".join(number.text for number in truth.numbers) == "".join(map(str, labels.classes))
        found = labels.xyxy(image.shape[1], image.shape[0])
        assert len(found) == len(boxes)
        assert all(found[i] == pytest.approx(box, abs=0.01) for i, box in enumerate(boxes))


def test_two_workers_write_the_same_bytes(whole, tmp_path, split_digits):
    counts = []
    writer.write_dataset(CONFIG, split_digits, tmp_path / "two", workers=2, progress=counts.append)
    assert tree_hash(tmp_path / "two") == tree_hash(whole)
    assert sum(counts) == CONFIG.count


@pytest.mark.slow
def test_eight_workers_write_the_same_bytes(whole, tmp_path, split_digits):
    writer.write_dataset(CONFIG, split_digits, tmp_path / "eight", workers=8)
    assert tree_hash(tmp_path / "eight") == tree_hash(whole)


def test_another_seed_gives_other_pictures(whole, tmp_path, split_digits):
    config = replace(CONFIG, seed=1)
    writer.write_dataset(config, split_digits, tmp_path / "out", workers=1)
    assert tree_hash(tmp_path / "out" / "images") != tree_hash(whole / "images")


def test_whole_dataset_is_left_alone(whole, split_digits):
    before = tree_hash(whole)
    assert not writer.write_dataset(CONFIG, split_digits, whole, workers=1)
    assert tree_hash(whole) == before


def test_other_settings_are_refused(whole, split_digits):
    before = tree_hash(whole)
    with pytest.raises(DataError, match="other settings"):
        writer.write_dataset(replace(CONFIG, count=121), split_digits, whole, workers=1)
    assert tree_hash(whole) == before


def test_foreign_folder_is_refused(tmp_path, split_digits):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        writer.write_dataset(CONFIG, split_digits, tmp_path, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_bad_background_is_named_whatever_the_workers(tmp_path, split_digits):
    (tmp_path / "grounds").mkdir()
    (tmp_path / "grounds" / "broken.png").write_bytes(b"no picture")
    config = replace(CONFIG, background_folder=str(tmp_path / "grounds"))
    for workers in (1, 2):
        with pytest.raises(DataError, match=r"broken\.png"):
            writer.write_dataset(config, split_digits, tmp_path / "out", workers)
    assert not (tmp_path / "out").exists()


def test_interrupted_dataset_is_named_as_incomplete_and_resumed(whole, tmp_path, split_digits):
    class StopError(Exception):
        pass

    def stop(count):
        if count:
            raise StopError

    out = tmp_path / "out"
    with pytest.raises(StopError):
        writer.write_dataset(CONFIG, split_digits, out, workers=1, progress=stop)
    with pytest.raises(DataError, match=r"data\.yaml"):
        check_dataset(out / DATA_FILE)
    done_before = []
    writer.write_dataset(CONFIG, split_digits, out, workers=1, progress=done_before.append)
    assert done_before[0] > 0  # what was there is not composed again
    assert tree_hash(out) == tree_hash(whole)


KILLED = """
import sys
from pathlib import Path
from conftest import draw_digits
from test_writer import CONFIG
from digitdet.synth.writer import write_dataset
if __name__ == "__main__":
    digits = {split: draw_digits(6, seed) for seed, split in enumerate(("train", "val", "test"))}
    write_dataset(CONFIG, digits, Path(sys.argv[1]), workers=2, progress=lambda count: print(count, flush=True))
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_kill_9_and_run_again(whole, tmp_path, split_digits):
    script = tmp_path / "compose.py"
    script.write_text(KILLED)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, str(script), str(out)], env=environment, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout.readline().strip() == b"0"
        process.stdout.readline()  # the first chunk is done, others are in the works
        process.send_signal(signal.SIGKILL)
    # The workers notice that their parent is gone and leave by themselves.
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
            time.sleep(0.05)
        except ProcessLookupError:
            break
    else:
        pytest.fail("a worker outlived its parent")
    assert not (out / DATA_FILE).exists()
    assert writer.write_dataset(CONFIG, split_digits, out, workers=1)
    assert tree_hash(out) == tree_hash(whole)


def test_splits_share_no_source_digit(digits, monkeypatch):
    from digitdet.datasets.mnist import Digits
    from digitdet.synth import sources

    def numbered(part, _folder):
        images = digits.images[:60].copy()
        images[:, 0, 0] = np.arange(60) + (100 if part == "test" else 0)  # no two alike
        return Digits(images, digits.labels[: len(images)])

    monkeypatch.setattr(sources, "load_mnist", numbered)
    parts = load_split_digits()
    assert {split: len(part) for split, part in parts.items()} == {"train": 55, "val": 5, "test": 60}
    seen = [image.tobytes() for part in parts.values() for image in part.images]
    assert len(seen) == len(set(seen))


def test_real_mnist_is_split_55_5_10(real_mnist):
    parts = load_split_digits(real_mnist)
    assert {split: len(part) for split, part in parts.items()} == {"train": 55000, "val": 5000, "test": 10000}
