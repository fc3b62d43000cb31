"""Small valid inputs of every kind, from which the damaged ones are made."""

from __future__ import annotations

import gzip
import importlib.util
import io
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np


def pictures() -> list[bytes]:
    """One picture of every format; also those of $DIGITDET_DATA, with HEIC and more variants, if it is set."""
    y, x = np.mgrid[0:32, 0:32]
    image = np.dstack([x * 8, y * 8, x * y % 256]).astype(np.uint8)
    suffixes = (".png", ".jpg", ".bmp", ".webp", ".gif", ".avif", ".jp2", ".ppm", ".tiff")
    found = [cv2.imencode(suffix, image)[1].tobytes() for suffix in suffixes]
    found.append(cv2.imencode(".pgm", image[:, :, 0])[1].tobytes())
    found.append(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes())
    found.append(cv2.imencode(".png", image.astype(np.uint16) * 257)[1].tobytes())
    found.append(cv2.imencodemulti(".tiff", [image, 255 - image])[1].tobytes())
    for suffix in (".gif", ".webp", ".png"):
        animation = cv2.Animation()
        animation.frames, animation.durations = [image, 255 - image], [100, 100]
        found.append(cv2.imencodeanimation(suffix, animation)[1].tobytes())
    shared = Path(os.environ.get("DIGITDET_DATA", "")) / "images" / "good" / "generated"
    if os.environ.get("DIGITDET_DATA") and shared.is_dir():
        found += [path.read_bytes() for path in sorted(shared.iterdir()) if path.stat().st_size < 40_000]
    return found


def _onnx_file(graph: Any, entries: dict[str, str]) -> bytes:
    from onnx import helper

    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(made, entries)
    return bytes(made.SerializeToString())


def models() -> list[bytes]:
    """Both networks with one layer each, so that mutations hit the graph and not only the weights."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from digitdet.common.characters import CHARACTERS
    from digitdet.reading.strips import COLUMN_WIDTH, STRIP_HEIGHT

    rng = np.random.default_rng(0)

    def constant(name: str, values: np.ndarray) -> onnx.TensorProto:
        return numpy_helper.from_array(values, name)

    detector = helper.make_graph(
        [
            helper.make_node("Conv", ["images", "kernel"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
            helper.make_node("Sigmoid", ["cells"], ["scores"]),
            helper.make_node("Reshape", ["scores", "shape"], ["output"]),
        ],
        "detector",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["b", 3, "h", "w"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["b", 14, "n"])],
        [
            constant("kernel", rng.normal(0, 0.1, (14, 3, 8, 8)).astype(np.float32)),
            constant("shape", np.array([0, 14, -1], np.int64)),
        ],
    )
    side, outputs = [STRIP_HEIGHT, COLUMN_WIDTH], len(CHARACTERS) + 1 + 4
    line_reader = helper.make_graph(
        [
            helper.make_node("Conv", ["strips", "kernel"], ["cells"], kernel_shape=side, strides=side),
            helper.make_node("Squeeze", ["cells", "axes"], ["rows"]),
            helper.make_node("Transpose", ["rows"], ["columns"], perm=[0, 2, 1]),
        ],
        "line_reader",
        [helper.make_tensor_value_info("strips", TensorProto.FLOAT, ["b", 3, STRIP_HEIGHT, "w"])],
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, ["b", "t", outputs])],
        [
            constant("kernel", rng.normal(0, 0.1, (outputs, 3, *side)).astype(np.float32)),
            constant("axes", np.array([2], np.int64)),
        ],
    )
    names = str({digit: str(digit) for digit in range(10)})
    facts = {"characters": CHARACTERS, "height": str(STRIP_HEIGHT), "weights": "{}", "calibration": '{"scale": 1.5}'}
    return [_onnx_file(detector, {"names": names, "imgsz": "320"}), _onnx_file(line_reader, facts)]


def settings() -> list[bytes]:
    from digitdet.configs import ReadConfig, SynthConfig, TrainConfig
    from digitdet.configs.classifier import classifier_names, load_classifier_config

    found = [kind().to_yaml() for kind in (ReadConfig, SynthConfig, TrainConfig)]
    found += [load_classifier_config(name).to_yaml() for name in classifier_names()]
    return [text.encode() for text in found]


def interrupted() -> list[bytes]:
    from digitdet.outputs.result_file import identity_line

    record = b'\t{"schema": 3, "image": "a.jpg", "page": 1, "status": "ok", "numbers": []}\n'
    return [identity_line({}).encode() + b"".join(str(row).encode() + record for row in range(4))]


def truths() -> list[bytes]:
    from digitdet.datasets.formats.numbers import NumberTruth, PictureTruth, format_truth

    truth = PictureTruth(
        "images/train/000000.jpg", "train", (NumberTruth("17", ((1, 2, 3, 4), (5, 2, 8, 4)), "mnist"),), "x"
    )
    return [format_truth(truth).encode() * 3]


def typefaces() -> list[bytes]:
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return [(folder / name).read_bytes() for name in ("cmr10.ttf", "STIXSizOneSymReg.ttf")]


def weights() -> list[bytes]:
    import torch

    found = []
    for stored in ({"line_reader": {"weight": torch.zeros(3, 4)}}, {"epoch": 3, "ema": [1.5, "x"]}):
        buffer = io.BytesIO()
        torch.save(stored, buffer)
        found.append(buffer.getvalue())
    return found


def classifiers(kind: str) -> list[bytes]:
    from tempfile import TemporaryDirectory

    from digitdet.classifiers.runs import make_classifier
    from digitdet.configs.classifier import KnnConfig, NetworkConfig
    from digitdet.datasets.mnist import Digits

    rng = np.random.default_rng(0)
    few = Digits(rng.integers(0, 256, (40, 28, 28), np.uint8), np.tile(np.arange(10, dtype=np.uint8), 4))
    config = KnnConfig(components=4) if kind == "skops" else NetworkConfig(widths=(2, 2), dense=4, epochs=1, batch=40)
    with TemporaryDirectory() as folder:
        classifier = make_classifier(config)
        classifier.fit(few, few, Path(folder))
        path = Path(folder) / f"model.{kind}"
        classifier.save(path)
        return [path.read_bytes()]


def _idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


_COCO = b"""{"images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}],
 "categories": [{"id": 1, "name": "7"}, {"id": 2, "name": "cat"}],
 "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 20], "iscrowd": 0}]}"""
_VOC = b"""<annotation><filename>a.jpg</filename><size><width>64</width><height>48</height><depth>3</depth></size>
<object><name>7</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>11</xmax><ymax>22</ymax></bndbox></object></annotation>"""

SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "picture": pictures,
    "model": models,
    "settings": settings,
    "labels": lambda: [b"3 0.5 0.5 0.2 0.3\n7 0.25 0.5 0.1 0.3\n"],
    "truths": truths,
    "dataset": lambda: [b"path: .\ntrain: images/train\nval: images/train\nnames: {0: '0', 1: '1'}\n"],
    "labelled": lambda: [b"image,number,split\na.jpg,123,test\nb.jpg,045,test\n", b'image,number\n"a,b.jpg",9\n'],
    "crops": lambda: [b"image,label\na.png,3\nb.png,4\n"],
    "options": lambda: [b"total=10,20,30%,40%", rb"\d{4}-\d{2}|[1-9]\d{0,3}(/\d)?", b"3-5,7", b"1234\n0017\n\n99\n"],
    "mnist": lambda: [gzip.compress(_idx(np.zeros((4, 28, 28), np.uint8))), _idx(np.arange(20, dtype=np.uint8))],
    "coco": lambda: [_COCO],
    "voc": lambda: [_VOC],
    "interrupted": interrupted,
    "typeface": typefaces,
    "weights": weights,
    "safetensors": lambda: classifiers("safetensors"),
    "skops": lambda: classifiers("skops"),
}

_NEEDS = {
    "model": ("onnx",),
    "typeface": ("matplotlib", "PIL"),
    "weights": ("torch", "ultralytics"),
    "safetensors": ("torch", "safetensors"),
    "skops": ("sklearn", "skops"),
}


def is_available(kind: str) -> bool:
    """Return whether the packages that a kind needs are installed."""
    return all(importlib.util.find_spec(package) for package in _NEEDS.get(kind, ()))
