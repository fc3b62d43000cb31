import csv
import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.common.errors import DataError
from digitdet.datasets.convert import convert, detect_format, fresh_folder
from digitdet.datasets.formats.numbers import NUMBERS_FILE, NumberTruth, PictureTruth, format_truth
from digitdet.datasets.formats.yolo import (
    DATA_FILE,
    check_dataset,
    format_labels,
    label_path,
    labels_from_xyxy,
    list_images,
    read_data_file,
    read_labels,
    write_data_file,
)

WIDTH, HEIGHT = 64, 48


def write_picture(path, width=WIDTH, height=HEIGHT, seed=0):
    """Write a small picture that depends on the seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((height, width, 3), 200, np.uint8)
    cv2.putText(image, str(seed), (2, height - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (seed % 90, 30, 0), 2)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())


def write_dataset(folder, pictures):
    """Write a YOLO dataset of (split, name, width, height, classes, xyxy boxes)."""
    for seed, (split, name, width, height, classes, boxes) in enumerate(pictures):
        image = folder / "images" / split / name
        write_picture(image, width, height, seed)
        label_path(image).parent.mkdir(parents=True, exist_ok=True)
        label_path(image).write_text(format_labels(labels_from_xyxy(classes, boxes, width, height)))
    write_data_file(folder, ["train", "val"])
    return folder


def read_dataset(folder):
    """Return {split: [(classes, xyxy boxes), ...]} in the order of the names."""
    found = {}
    data = read_data_file(folder / DATA_FILE)
    for split in data.sources:
        found[split] = []
        for image in data.pictures(split):
            height, width = cv2.imread(str(image)).shape[:2]
            labels = read_labels(label_path(image))
            found[split].append((labels.classes.tolist(), labels.xyxy(width, height)))
    return found


@pytest.fixture
def dataset(tmp_path):
    folder = write_dataset(
        tmp_path / "yolo",
        [
            ("train", "a.jpg", WIDTH, HEIGHT, [4, 2], [[4, 8, 14, 30], [16, 8, 30, 31]]),
            ("train", "b.c.png", 40, 90, [], []),
            ("val", "a.jpg", WIDTH, HEIGHT, [0], [[0, 0, WIDTH, HEIGHT]]),
        ],
    )
    number = NumberTruth("42", ((4.0, 8.0, 14.0, 30.0), (16.0, 8.0, 30.0, 31.0)))
    truths = [
        PictureTruth("images/train/a.jpg", "train", (number,)),
        PictureTruth("images/train/b.c.png", "train", ()),
        PictureTruth("images/val/a.jpg", "val", (NumberTruth("0", ((0.0, 0.0, WIDTH, HEIGHT),)),)),
    ]
    (folder / NUMBERS_FILE).write_text("".join(map(format_truth, truths)))
    return folder


@st.composite
def boxes_in_pictures(draw):
    """Draw the size of a picture, classes, and xyxy boxes inside it that are at least a pixel wide and high."""
    width, height = draw(st.integers(8, 700)), draw(st.integers(8, 700))
    classes = draw(st.lists(st.integers(0, 9), max_size=6))
    unit = st.floats(0, 1, allow_nan=False)
    boxes = []
    for _ in classes:
        w, h = 1 + draw(unit) * (width - 1), 1 + draw(unit) * (height - 1)
        x, y = draw(unit) * (width - w), draw(unit) * (height - h)
        boxes.append([x, y, x + w, y + h])
    return width, height, classes, boxes


@pytest.mark.parametrize(("kind", "tolerance"), [("coco", 0.5), ("voc", 1.0)])
@settings(max_examples=20, deadline=None)
@given(content=boxes_in_pictures())
def test_round_trip_keeps_every_box_and_class(kind, tolerance, content):
    width, height, classes, boxes = content
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        write_dataset(
            out / "yolo",
            [("train", "a.png", width, height, [1], [[0, 0, 4, 4]]), ("val", "b.png", width, height, classes, boxes)],
        )
        before = read_dataset(out / "yolo")
        written = sorted(label_path(out / "yolo/images/val/b.png").read_text().splitlines())
        if len(set(written)) < len(written):  # a box given twice is invalid
            return
        assert convert(out / "yolo", out / kind, kind).boxes == 1 + len(classes)
        back = convert(out / kind, out / "back", "yolo")
        assert not [note for note in back.notes if "picture(s) as" not in note and "given twice" not in note]
        after = read_dataset(out / "back")
        assert [problem for problem in check_dataset(out / "back") if "no digit in the split" not in problem] == []
    [(old_classes, old)], [(new_classes, new)] = before["val"], after["val"]
    for digit, box in zip(old_classes, old, strict=True):  # two boxes can be equal after rounding to whole pixels
        assert any(c == digit and np.abs(b - box).max() <= tolerance for c, b in zip(new_classes, new, strict=True))
    assert set(new_classes) == set(old_classes)


@pytest.mark.parametrize("kind", ["coco", "voc"])
def test_names_and_boxes_of_whole_pixels_are_kept_exactly(dataset, tmp_path, kind):
    convert(dataset, tmp_path / kind, kind)
    convert(tmp_path / kind, tmp_path / "back", "yolo")
    assert len({path.name for folder in (dataset, tmp_path / "back") for path in folder.glob("images/*/*")}) == 2
    before, after = read_dataset(dataset), read_dataset(tmp_path / "back")
    for split in before:
        assert [classes for classes, _ in before[split]] == [classes for classes, _ in after[split]]
        for (_, old), (_, new) in zip(before[split], after[split], strict=True):
            assert np.allclose(old, new, atol=1e-3)


def test_coco_file(dataset, tmp_path):
    assert convert(dataset / DATA_FILE, tmp_path / "coco", "coco").boxes == 3
    content = json.loads((tmp_path / "coco/annotations/instances_train.json").read_text())
    assert content["images"][0] == {"id": 1, "file_name": "train/a.jpg", "width": WIDTH, "height": HEIGHT}
    assert content["annotations"][0] == {
        "id": 1,
        "image_id": 1,
        "category_id": 5,
        "bbox": pytest.approx([4, 8, 10, 22], abs=1e-3),
        "area": pytest.approx(220, abs=0.1),
        "iscrowd": 0,
    }
    assert [(c["id"], c["name"]) for c in content["categories"]] == [(k + 1, str(k)) for k in range(10)]
    assert (tmp_path / "coco/images/train/b.c.png").read_bytes() == (dataset / "images/train/b.c.png").read_bytes()


def test_voc_files(dataset, tmp_path):
    convert(dataset, tmp_path / "voc", "voc")
    text = (tmp_path / "voc/Annotations/train_a.xml").read_text()
    for part in ("<name>4</name>", "<xmin>5</xmin>", "<ymin>9</ymin>", "<xmax>14</xmax>", "<ymax>30</ymax>"):
        assert part in text
    assert (tmp_path / "voc/ImageSets/Main/train.txt").read_text() == "train_a\ntrain_b.c\n"
    assert (tmp_path / "voc/JPEGImages/val_a.jpg").is_file()


def test_crops(dataset, tmp_path):
    result = convert(dataset, tmp_path / "crops", "crops")
    assert (result.pictures, result.boxes) == (2, 3)
    with (tmp_path / "crops/labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"image": "images/train/a_0.png", "text": "42", "split": "train"},
        {"image": "images/val/a_0.png", "text": "0", "split": "val"},
    ]
    crop = cv2.imread(str(tmp_path / "crops/images/train/a_0.png"))
    whole = cv2.imread(str(dataset / "images/train/a.jpg"))
    assert np.array_equal(crop, whole[4:35, 0:34])  # margin: 0.15 of 23 px on each side, up to the edge


def coco_file(path, **changes):
    """Write a COCO file of one picture, p/x.png, of 64x48 pixels with a 7."""
    content = {
        "images": [{"id": 9, "file_name": "p/x.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": [{"id": 1, "image_id": 9, "category_id": 3, "bbox": [10, 10, 8, 20]}],
        "categories": [{"id": 3, "name": "7"}, {"id": 4, "name": "plate"}],
        **changes,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def annotation(**changes):
    return {"id": 1, "image_id": 9, "category_id": 3, "bbox": [10, 10, 8, 20], **changes}


def test_coco_with_other_categories(tmp_path):
    write_picture(tmp_path / "images/p/x.png")
    result = convert(coco_file(tmp_path / "labels.json"), tmp_path / "out", "yolo")
    assert (result.pictures, result.boxes) == (1, 1)
    assert result.notes == ("no pictures for the split val",)
    assert read_dataset(tmp_path / "out")["train"][0][0] == [7]
    assert (tmp_path / "out/images/train/p_x.png").is_file()


@pytest.mark.parametrize(
    ("changes", "boxes", "note"),
    [
        ({"annotations": [annotation(), annotation(category_id=4)]}, 1, "1 box(es) of the category 'plate'"),
        ({"annotations": [annotation(category_id=77)]}, 0, "1 box(es) of the category 77"),
        ({"annotations": [annotation(iscrowd=1)]}, 0, "around crowds"),
        ({"annotations": [annotation(bbox=[1, 2, 3])]}, 0, "neither four numbers nor polygons"),
        ({"annotations": [annotation(bbox=[float("nan"), 2, 3, 4])]}, 0, "neither four numbers nor polygons"),
        ({"annotations": [annotation(bbox=[70, 10, 8, 20])]}, 0, "is outside the picture or empty"),
        ({"annotations": [annotation(bbox=[10, 10, -8, 20])]}, 0, "is outside the picture or empty"),
        ({"annotations": [annotation(), annotation(id=2)]}, 1, "1 box(es) given twice"),
        ({"annotations": [annotation(image_id=1)]}, 0, "pictures that the file does not list"),
        ({"images": [{"id": 9, "file_name": "p/x.png", "width": 9, "height": 9}]}, 1, "is 64x48, not 9x9"),
        (
            {"images": [{"id": 9, "file_name": "p\\x.png"}, {"id": 8, "file_name": "y.png"}]},
            1,
            "y.png: there is no such",
        ),
    ],
)
def test_a_note_names_what_was_skipped(tmp_path, changes, boxes, note):
    write_picture(tmp_path / "images/p/x.png")
    result = convert(coco_file(tmp_path / "train.json", **changes), tmp_path / "out", "yolo")
    assert (result.pictures, result.boxes) == (1, boxes)
    assert any(note in line for line in result.notes), result.notes


def test_box_over_the_edge_is_clipped(tmp_path):
    write_picture(tmp_path / "p/x.png")
    path = coco_file(tmp_path / "train.json", annotations=[annotation(bbox=[-5, 40, 20, 20])])
    convert(path, tmp_path / "out", "yolo")
    assert np.allclose(read_dataset(tmp_path / "out")["train"][0][1], [[0, 40, 15, HEIGHT]], atol=1e-3)
    assert not [problem for problem in check_dataset(tmp_path / "out") if "no pictures" not in problem]


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "C:\\x.png", ""])
def test_file_names_stay_inside_the_folder(tmp_path, name):
    write_picture(tmp_path / "secret.png")
    path = coco_file(tmp_path / "data/train.json", images=[{"id": 9, "file_name": name}])
    with pytest.raises(DataError, match="none of the 1 picture"):
        convert(path, tmp_path / "out", "yolo")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"categories": [{"id": 1, "name": "cat"}]}, "no category is named after a digit"),
        ({"categories": [{"id": 3}]}, "not a COCO file"),
        ({"images": [{"id": [1], "file_name": "x.png"}]}, "not a COCO file"),
        ({"images": {}}, "not a COCO file"),
        ({"annotations": [5]}, "not a COCO file"),
    ],
)
def test_damaged_coco(tmp_path, changes, expected):
    with pytest.raises(DataError, match=expected):
        convert(coco_file(tmp_path / "train.json", **changes), tmp_path / "out", "yolo")


def test_two_pictures_never_share_their_labels(tmp_path):
    names = ["p/x.png", "p_x.png", "p/x.jpg"]
    for seed, name in enumerate(names):
        write_picture(tmp_path / name, seed=seed)
    images = [{"id": k, "file_name": name} for k, name in enumerate(names)]
    path = coco_file(tmp_path / "train.json", images=images, annotations=[])
    assert convert(path, tmp_path / "out", "yolo").pictures == 3
    assert [p.name for p in list_images(tmp_path / "out/images/train")] == ["p_x-2.png", "p_x-3.jpg", "p_x.png"]


def test_every_tenth_training_picture_becomes_validation(tmp_path):
    for seed in range(20):
        write_picture(tmp_path / f"{seed:02}.png", seed=seed)
    images = [{"id": k, "file_name": f"{k:02}.png"} for k in range(20)]
    result = convert(coco_file(tmp_path / "all.json", images=images, annotations=[]), tmp_path / "out", "yolo")
    assert [p.name for p in list_images(tmp_path / "out/images/val")] == ["09.png", "19.png"]
    assert any("2 of 20" in note for note in result.notes)


VOC = """<annotation><filename>x.png</filename><size><width>64</width><height>48</height></size>
<object><name>7</name><bndbox><xmin>{xmin}</xmin><ymin>11</ymin><xmax>18</xmax><ymax>30</ymax></bndbox></object>
<object><name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>
</annotation>"""


@pytest.mark.parametrize(("xmin", "left", "top"), [("11", 10, 10), ("0", 0, 11), ("10.5", 10.5, 11)])
def test_voc_beside_the_pictures_with_coordinates_from_1_or_0(tmp_path, xmin, left, top):
    write_picture(tmp_path / "voc/valid/x.png")
    (tmp_path / "voc/valid/x.xml").write_text(VOC.format(xmin=xmin))
    result = convert(tmp_path / "voc", tmp_path / "out", "yolo")
    [(classes, boxes)] = read_dataset(tmp_path / "out")["val"]
    assert classes == [7]
    assert np.allclose(boxes, [[left, top, 18, 30]], atol=1e-3)
    assert any("1 object(s) of the name 'dog'" in note for note in result.notes)
    assert any("count from 0" in note for note in result.notes) == (xmin != "11")


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><annotation>&c;</annotation>'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (BOMB.encode(), "document type"),
        (BOMB.encode("utf-16"), "document type"),
        (b"<annotation>", "not readable XML"),
        (b"<html/>", "<annotation> expected"),
        (VOC.format(xmin=1).replace(">7<", ">cat<").encode(), "no object is named after a digit"),
    ],
)
def test_invalid_voc_is_rejected(tmp_path, content, expected):
    write_picture(tmp_path / "voc/x.png")
    (tmp_path / "voc/x.xml").write_bytes(content)
    with pytest.raises(DataError, match=expected):
        convert(tmp_path / "voc", tmp_path / "out", "yolo")
    assert not (tmp_path / "out").exists()


def test_coco_to_voc(dataset, tmp_path):
    convert(dataset, tmp_path / "coco", "coco")
    (tmp_path / "coco/other.xml").touch()
    result = convert(tmp_path / "coco", tmp_path / "voc", "voc")
    assert (result.pictures, result.boxes) == (3, 3)
    assert detect_format(tmp_path / "voc") == "voc"


@pytest.mark.parametrize("to", ["coco", "voc", "crops"])
def test_full_folder_is_rejected_and_not_changed(dataset, tmp_path, to):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("precious")
    with pytest.raises(DataError, match="is not empty"):
        convert(dataset, tmp_path / "out", to)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("to", ["coco", "voc", "crops"])
def test_damaged_picture_leaves_nothing_behind(dataset, tmp_path, to):
    path = dataset / "images/val/a.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"val/a\.jpg: the JPEG is damaged or cut off"):
        convert(dataset, tmp_path / "out", to)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("to", ["coco", "voc"])
def test_invalid_labels_are_rejected(dataset, tmp_path, to):
    (dataset / "labels/val/a.txt").write_text("10 0.5 0.5 0.1 0.1\n")
    with pytest.raises(DataError, match="class 10 has no name"):
        convert(dataset, tmp_path / "out", to)


def test_pictures_that_share_a_label_file_are_rejected(dataset, tmp_path):
    write_picture(dataset / "images/val/a.png")
    with pytest.raises(DataError, match="shares its label file"):
        convert(dataset, tmp_path / "out", "voc")


def test_crops_without_numbers_jsonl_are_of_digits_near_each_other(dataset, tmp_path):
    (dataset / NUMBERS_FILE).unlink()
    done = convert(dataset, tmp_path / "out", "crops")
    assert (done.pictures, done.boxes, "near each other" in done.notes[0]) == (2, 3, True)
    rows = (tmp_path / "out/labels.csv").read_text().splitlines()[1:]
    assert rows == ["images/train/a_0.png,42,train", "images/val/a_0.png,0,val"]


def test_crops_stay_below_the_dataset(dataset, tmp_path):
    (dataset / NUMBERS_FILE).write_text(
        format_truth(PictureTruth("../x.png", "train", (NumberTruth("1", ((0, 0, 5, 5),)),)))
    )
    with pytest.raises(DataError, match="not a picture below this folder"):
        convert(dataset, tmp_path / "out", "crops")


def test_sources_that_cannot_be_converted(dataset, tmp_path):
    with pytest.raises(DataError, match="no dataset"):
        detect_format(tmp_path / "nowhere")
    convert(dataset, tmp_path / "coco", "coco")
    with pytest.raises(DataError, match="crops need a YOLO dataset"):
        convert(tmp_path / "coco", tmp_path / "out", "crops")


def test_fresh_folder_is_emptied_after_a_failure(tmp_path):
    with pytest.raises(KeyboardInterrupt), fresh_folder(tmp_path / "out"):
        (tmp_path / "out/half").mkdir()
        raise KeyboardInterrupt
    assert not (tmp_path / "out").exists()
    (tmp_path / "kept").mkdir()
    with pytest.raises(KeyboardInterrupt), fresh_folder(tmp_path / "kept"):
        (tmp_path / "kept/half.txt").write_text("x")
        raise KeyboardInterrupt
    assert list((tmp_path / "kept").iterdir()) == []


def test_check_finds_pictures_that_cannot_be_decoded(dataset):
    assert check_dataset(dataset, decode=True) == check_dataset(dataset / DATA_FILE) == []
    path = dataset / "images/train/a.jpg"
    path.write_bytes(path.read_bytes()[:-100])
    (dataset / "images/train/b.c.png").write_bytes(b"")
    assert check_dataset(dataset) == []
    assert [Path(problem.partition(":")[0]).name for problem in check_dataset(dataset, decode=True)] == [
        "a.jpg",
        "b.c.png",
    ]
