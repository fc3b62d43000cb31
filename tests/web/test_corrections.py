"""Corrections sent over HTTP and the dataset they become."""

import importlib.util
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi")
from starlette.testclient import TestClient

from digitdet import NumberReader
from digitdet.common.errors import DataError
from digitdet.datasets.formats.yolo import check_dataset, list_images, read_labels
from digitdet.web.app import create_app
from digitdet.web.corrections import CorrectionFolder
from digitdet.web.service import Service
from digitdet.web.settings import ServeSettings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "number.jpg"
CONTENT = EXAMPLE.read_bytes()


def post(client, content=CONTENT, address="/api/read", **query):
    return client.post(address, content=content, params=query)


def reason(response, status):
    """The one line of an error."""
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    text = response.json()["error"]
    assert text
    assert "\n" not in text
    return text


def correct(client, digits, content=CONTENT, **fields):
    text = digits if isinstance(digits, str) else json.dumps(digits)
    form = {"digits": text, **{name: str(value) for name, value in fields.items()}}
    return client.post("/api/corrections", data=form, files={"picture": ("../../x.jpg", content)})


def digits_of(reading):
    return [{"digit": digit["text"], "box": digit["box"]} for n in reading["numbers"] for digit in n["digits"]]


def other_picture(shade):
    return cv2.imencode(".png", np.full((40, 60, 3), shade, np.uint8))[1].tobytes()


def test_corrections_become_a_valid_dataset(make_client, tmp_path):
    folder = tmp_path / "mine"
    client = make_client(corrections=folder)
    assert client.get("/api/health").json()["corrections"] is True
    digits = digits_of(post(client).json()[0])
    digits[0]["digit"] = "1"
    saved = correct(client, digits)
    assert saved.status_code == 201
    assert (saved.json()["digits"], saved.json()["pictures"]) == (5, 1)
    picture = folder / saved.json()["picture"]
    assert picture.read_bytes() == CONTENT
    assert picture.parent == folder / "images" / "train"
    labels = read_labels(folder / "labels" / "train" / f"{picture.stem}.txt")
    assert labels.classes.tolist() == [1, 2, 3, 6, 6]
    left, _, right, _ = digits[0]["box"]
    assert labels.boxes[0][0] == pytest.approx((left + right) / 2 / 640, abs=1e-4)

    assert correct(client, [], other_picture(200)).json()["picture"].startswith("images/val/")
    [problem] = check_dataset(folder / "data.yaml", decode=True)
    assert "no digit in the split val" in problem

    again = correct(client, digits[1:]).json()  # the same picture again replaces its label
    assert (again["picture"], again["digits"], again["pictures"]) == (saved.json()["picture"], 4, 2)
    assert read_labels(folder / "labels" / "train" / f"{picture.stem}.txt").classes.tolist() == [2, 3, 6, 6]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


def test_a_rotated_page_is_saved_upright(make_client, tmp_path):
    client = make_client(corrections=tmp_path)
    upright = cv2.imread(str(EXAMPLE))
    turned = cv2.imencode(".png", cv2.rotate(upright, cv2.ROTATE_90_CLOCKWISE))[1].tobytes()
    reading = post(client, turned, rotate=90).json()[0]
    saved = correct(client, digits_of(reading), turned, rotation=90).json()
    assert np.array_equal(cv2.imread(str(tmp_path / saved["picture"])), upright)
    labels = read_labels(tmp_path / saved["picture"].replace("images", "labels").replace(".png", ".txt"))
    assert labels.classes.tolist() == [7, 2, 3, 6, 6]
    assert (np.diff(labels.boxes[:, 0]) > 0).all()  # from left to right again


def test_a_picture_corrected_with_another_rotation_replaces_the_first(make_client, tmp_path):
    client = make_client(corrections=tmp_path)
    photo = EXAMPLE.read_bytes()
    digit = [{"digit": "4", "box": [10, 10, 20, 30]}]
    first = correct(client, digit, photo).json()
    second = correct(client, digit, photo, rotation=90).json()
    assert (first["pictures"], second["pictures"]) == (1, 1)
    (kept,) = (path for path in (tmp_path / "images").rglob("*.*"))
    assert kept == tmp_path / second["picture"]
    assert len(list((tmp_path / "labels").rglob("*.txt"))) == 1


def test_a_later_page_is_saved(make_client, tmp_path):
    client = make_client(corrections=tmp_path)
    pages = [np.full((60, 80, 3), shade, np.uint8) for shade in (200, 220)]
    tiff = cv2.imencodemulti(".tiff", pages)[1].tobytes()
    saved = correct(client, [{"digit": "4", "box": [10, 10, 20, 30]}], tiff, page=2).json()
    assert np.array_equal(cv2.imread(str(tmp_path / saved["picture"])), pages[1])


def test_wrong_corrections_are_rejected_and_nothing_is_saved(make_client, tmp_path):
    client = make_client(corrections=tmp_path)
    good = {"digit": "4", "box": [10, 10, 20, 30]}
    for digits, words in [
        ("", "JSON"),
        ("{", "JSON"),
        ("[" * 5000, "JSON"),
        ({"digit": "4"}, "list"),
        ([{"digit": "42", "box": [1, 2, 3, 4]}], "digit"),
        ([{"digit": "٣", "box": [1, 2, 3, 4]}], "digit"),
        ([{"digit": "4", "box": [1, 2, 3]}], "box.3: Field required"),
        ([{"digit": "4", "box": [1, 2, 3, "4"]}], "box.3: Input should be a valid number"),
        ('[{"digit": "4", "box": [1, 2, 3, NaN]}]', "box.3: Input should be a finite number"),
        ([{**good, "more": 1}], "more"),
        ([good, good], "twice"),
        ([{"digit": "4", "box": [9000, 10, 9020, 30]}], "outside"),
        ([{"digit": "4", "box": [20, 30, 10, 10]}], "outside"),
        ([{"digit": "4", "box": [0, 0, 1e308, 1e308]}] * 2001, "at most 2000 items"),
    ]:
        assert re.search(words, reason(correct(client, digits), 400)), digits
    assert "rotation" in reason(correct(client, [good], rotation=45), 400)
    assert "page" in reason(correct(client, [good], page="x"), 400)
    assert "digits: Field required" in reason(client.post("/api/corrections", files={"picture": CONTENT}), 400)
    assert "no page 3" in reason(correct(client, [good], page=3), 422)
    assert reason(correct(client, [good], b"hello"), 422)
    assert list_images(tmp_path / "images" / "train") == []
    assert list((tmp_path / "labels").rglob("*.txt")) == []


def test_without_a_folder_no_corrections_are_saved(client):
    assert client.get("/api/health").json()["corrections"] is False
    assert "--corrections" in reason(correct(client, []), 404)


def test_a_folder_with_other_files_is_rejected_and_unchanged(tmp_path):
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(DataError, match="holds no dataset"):
        CorrectionFolder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]
    CorrectionFolder(tmp_path / "new")
    CorrectionFolder(tmp_path / "new")  # accepts its own folder


def test_a_full_disk_is_reported(model, tmp_path, monkeypatch):
    client = TestClient(create_app(Service(model, ServeSettings(corrections=tmp_path))))

    def full(*_arguments, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("digitdet.web.corrections.write_atomically", full)
    assert "No space left" in reason(correct(client, []), 507)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the training packages are not installed")
def test_corrections_can_be_trained_on(make_client, tmp_path):
    from digitdet.configs import load_preset, replace
    from digitdet.configs.train import TrainConfig
    from digitdet.training.run import train_run

    client = make_client(corrections=tmp_path / "mine")
    for path in [
        *sorted(EXAMPLE.parent.glob("*.jpg")),
        *sorted((ROOT / "detector" / "web" / "static" / "examples").glob("*.jpg")),
    ]:
        reading = post(client, path.read_bytes()).json()[0]
        assert correct(client, digits_of(reading), path.read_bytes()).status_code == 201
    config = replace(load_preset(TrainConfig, "train", "tune"), start="shipped", epochs=1)
    run = train_run(config, tmp_path / "mine", tmp_path / "run", lambda _line: None)
    assert run.metrics["detection"]["map50"] > 0.9
    read = NumberReader(run.folder).read(EXAMPLE)
    assert [number.best for number in read.numbers] == ["72366"]
