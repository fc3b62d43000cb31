"""The process that parses damaged inputs: requests come from stdin, answers go to stdout.

A request is a line with a kind and a length, followed by that many bytes. The answer is a line with a JSON object:
`outcome` is 'accepted', 'rejected' or 'failed' (an unexpected exception, or a message of several lines), and `line` is
the reason.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

# Bytes, so that a decompression bomb fails to allocate. Torch alone maps gigabytes.
_ADDRESS_SPACE = 24 << 30


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def picture(content: bytes, _folder: Path) -> None:
    from digitdet.imaging.images import read_pages

    for page in read_pages(content, max_pixels=4_000_000):
        assert page.image.dtype == np.uint8
        assert page.image.ndim == 3


def model(content: bytes, folder: Path) -> None:
    from digitdet.configs import ReadConfig
    from digitdet.reader import NumberReader

    path = _written(folder / "detector.onnx", content)
    NumberReader(path, config=ReadConfig(scales=(0.3,))).read(np.full((64, 96, 3), 200, np.uint8))


def settings(content: bytes, folder: Path) -> None:
    from digitdet.common.errors import ConfigError
    from digitdet.configs import ReadConfig, SynthConfig, TrainConfig, load_config
    from digitdet.configs.classifier import load_classifier_config

    path = _written(folder / "settings.yaml", content)
    errors = []
    kinds: list[Callable[[], object]] = [
        lambda kind=kind: load_config(kind, path) for kind in (ReadConfig, SynthConfig, TrainConfig)
    ]
    for load in [*kinds, lambda: load_classifier_config(str(path))]:
        try:
            load()
        except ConfigError as error:
            errors.append(error)
            assert "\n" not in str(error), str(error)
            if "not valid YAML" in str(error):
                break
    if errors and len(errors) in (1, 4):
        raise errors[0]


def labels(content: bytes, folder: Path) -> None:
    from digitdet.datasets.formats.yolo import read_labels

    path = _written(folder / "picture.txt", content)
    read_labels(path)


def truths(content: bytes, folder: Path) -> None:
    from digitdet.datasets.formats.numbers import read_truths

    path = _written(folder / "numbers.jsonl", content)
    read_truths(path)


def dataset(content: bytes, folder: Path) -> None:
    """A data.yaml with empty folders beside it."""
    from digitdet.datasets.formats.yolo import check_dataset

    (folder / "images" / "train").mkdir(parents=True, exist_ok=True)
    path = _written(folder / "data.yaml", content)
    check_dataset(path)


def labelled(content: bytes, folder: Path) -> None:
    """A labels.csv for `digitdet eval`."""
    from digitdet.evaluation.sets import load_sets

    path = _written(folder / "labels.csv", content)
    load_sets(path)


def crops(content: bytes, folder: Path) -> None:
    from digitdet.datasets.crops import load_crops

    path = _written(folder / "crops.csv", content)
    load_crops(path)


def options(content: bytes, folder: Path) -> None:
    """Constraints and regions; the content also serves as a file of allowed numbers and as a list of pictures."""
    from digitdet.common.errors import ConfigError
    from digitdet.imaging.inputs import read_list
    from digitdet.reading.constraints import Constraints, read_allowed
    from digitdet.reading.regions import parse_region

    path = _written(folder / "lines.txt", content)
    read_list(str(path))  # not expanded: a name could be the root folder
    text = content.decode("utf-8", "surrogateescape")
    errors = []
    for parse in (
        lambda: parse_region(text),
        lambda: Constraints(pattern=text),
        lambda: Constraints(digits=text),
        lambda: Constraints(allowed=read_allowed(path)),
    ):
        try:
            parse()
        except ConfigError as error:
            errors.append(error)
            assert "\n" not in str(error), str(error)
    if len(errors) == 4:
        raise errors[0]


def mnist(content: bytes, _folder: Path) -> None:
    from digitdet.datasets.mnist import read_idx

    read_idx(content, "train-images-idx3-ubyte.gz")


def coco(content: bytes, folder: Path) -> None:
    _convert(folder, "instances.json", content)


def voc(content: bytes, folder: Path) -> None:
    _convert(folder, "Annotations/picture.xml", content)


def _convert(folder: Path, name: str, content: bytes) -> None:
    import shutil

    from digitdet.datasets.convert import convert

    source, out = folder / "source", folder / "out"
    shutil.rmtree(source, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    (source / name).parent.mkdir(parents=True)
    (source / name).write_bytes(content)
    convert(source, out, "yolo")


def interrupted(content: bytes, folder: Path) -> None:
    """The partial file of an interrupted `digitdet read --out`."""
    from digitdet.outputs.result_file import open_results

    path = folder / "readings.jsonl"
    path.with_name("readings.jsonl.part").write_bytes(content)
    with open_results(path, "jsonl", {}):
        pass


def typeface(content: bytes, folder: Path) -> None:
    from digitdet.synth.digits.fonts import load_fonts

    path = _written(folder / "font.ttf", content)
    load_fonts([path])


def weights(content: bytes, folder: Path) -> None:
    from digitdet.common.errors import ModelError
    from digitdet.training import yolo
    from digitdet.training.line_reader import load_weights

    path = _written(folder / "weights.pt", content)
    try:
        load_weights(path)
    except ModelError as error:
        assert "\n" not in str(error), str(error)
    yolo.require_loadable(path)


def safetensors(content: bytes, folder: Path) -> None:
    _classifier(folder / "model.safetensors", content)


def skops(content: bytes, folder: Path) -> None:
    _classifier(folder / "model.skops", content)


def _classifier(path: Path, content: bytes) -> None:
    from digitdet.classifiers.runs import load_classifier

    path.write_bytes(content)
    load_classifier(path)


TARGETS: dict[str, Callable[[bytes, Path], None]] = {
    target.__name__: target
    for target in (
        picture,
        model,
        settings,
        labels,
        truths,
        dataset,
        labelled,
        crops,
        options,
        mnist,
        coco,
        voc,
        interrupted,
        typeface,
        weights,
        safetensors,
        skops,
    )
}


def judge(kind: str, content: bytes, folder: Path) -> tuple[str, str]:
    """Parse an input; return the outcome and the reason."""
    from digitdet.common.errors import DigitdetError

    try:
        TARGETS[kind](content, folder)
    except DigitdetError as error:
        return ("rejected" if str(error) and "\n" not in str(error) else "failed"), str(error)
    except OSError as error:  # the command line prints one line for these, too
        return "rejected", str(error.strerror)
    except Exception:
        return "failed", traceback.format_exc()
    return "accepted", ""


def main() -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    from digitdet.imaging.process import quiet_decoders

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries may print to stdout
    with tempfile.TemporaryDirectory() as folder, quiet_decoders():
        while request := sys.stdin.buffer.readline().split():
            content = sys.stdin.buffer.read(int(request[1]))
            outcome, line = judge(request[0].decode(), content, Path(folder))
            answers.write(json.dumps({"outcome": outcome, "line": line}) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
