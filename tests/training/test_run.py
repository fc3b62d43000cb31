"""From composed pictures to a model that reads, in miniature, while network access is recorded."""

import importlib.util
import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

# Not importorskip, which would import it before digitdet has set its switches.
if importlib.util.find_spec("ultralytics") is None:
    pytest.skip("the training packages are not installed", allow_module_level=True)

from digitdet.common.errors import DataError, DigitdetError, ModelError
from digitdet.configs import (
    LineReaderConfig,
    LookConfig,
    ProposalConfig,
    SynthConfig,
    TrainConfig,
    load_config,
    replace,
)
from digitdet.models.model_file import DETECTOR, DETECTOR_WEIGHTS, LINE_READER, PROPOSALS, SECOND_READER, shipped_file
from digitdet.reading.line_reader import OnnxLineReader
from digitdet.synth.writer import write_dataset
from digitdet.training import line_reader, yolo
from digitdet.training.run import UNFINISHED, train_run

LOOK = LookConfig(canvas_sizes=((96, 96),), digit_height=(20, 40))
SYNTH = SynthConfig(count=40, val_share=0.2, test_share=0.2, looks={"mnist": LOOK})

# Records DNS look-ups, connections, and starts of pip.
AUDITED = """
import sys
seen = []
def record(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        seen.append(f"{event} {arguments[0]}")
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        seen.append(f"{event} {arguments[1]}")
    if event == "subprocess.Popen" and "pip" in str(arguments[1]):
        seen.append(f"{event} {arguments[1]}")
sys.addaudithook(record)
from digitdet.cli.main import main
code = 0
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print("RECORDED", seen)
sys.exit(code)
"""


@pytest.fixture(autouse=True)
def without_plots(monkeypatch):
    """Plots are a third of the time of a small training; `finished`, which runs in a process of its own, draws them."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *_args, **_options: None)


@pytest.fixture(scope="module")
def data(tmp_path_factory, tiny_materials):
    out = tmp_path_factory.mktemp("train") / "data"
    write_dataset(SYNTH, tiny_materials(SYNTH), out, workers=1)
    return out


@pytest.fixture(scope="module")
def finished(tmp_path_factory, data):
    """A run with one epoch of each network, by the command line, in a process whose network access is recorded."""
    folder = tmp_path_factory.mktemp("run")
    config = folder / "tiny.yaml"
    config.write_text("epochs: 1\nbatch: 8\nimage_size: 96\nthreads: 1\nline_reader: {epochs: 1}\n")
    run = folder / "out"
    command = [sys.executable, "-c", AUDITED, "train", "--data", str(data), "--out", str(run), "--config", str(config)]
    process = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert process.returncode == 0, process.stderr[-2000:]
    return run, process.stdout, load_config(TrainConfig, config)


def test_there_is_no_network_access(finished):
    assert "RECORDED []" in finished[1]


def test_nothing_is_written_beside_the_run(finished):
    assert sorted(path.name for path in finished[0].parent.iterdir()) == ["out", "tiny.yaml"]


def test_the_run_folder_holds_model_metrics_and_origin(finished, data):
    run = finished[0]
    names = {path.name for path in run.iterdir()}
    assert names >= {
        "detector.onnx",
        "detector.pt",
        "line_reader.onnx",
        "line_reader.pt",
        "metrics.json",
        "train.yaml",
        "synth.yaml",
        "run.json",
        "training",
        "test",
    }
    assert not [name for pattern in UNFINISHED for name in run.glob(pattern)]
    assert (run / "synth.yaml").read_text() == SYNTH.to_yaml()
    origin = json.loads((run / "run.json").read_text())
    assert origin["data"] == str(data.resolve())
    assert "ultralytics" in origin["packages"]
    plots = ("test/confusion_matrix.png", "training/confusion_matrix.png", "training/BoxPR_curve.png")
    assert min((run / name).stat().st_size for name in plots) > 1000


def test_metrics(finished):
    metrics = json.loads((finished[0] / "metrics.json").read_text())
    assert metrics["split"] == "test"
    assert 0 <= metrics["detection"]["map50_95"] <= metrics["detection"]["map50"] <= 1
    assert set(metrics["detection"]["digits"]) <= set("0123456789")
    assert metrics["numbers"]["pictures"] == 8
    assert metrics["numbers"]["numbers"] > 0
    assert metrics["lines"]["lines"] > 0


def test_the_end_is_a_table_and_the_command_to_read(finished):
    lines = finished[1].splitlines()
    assert {"test split", "all digits"} <= {line.partition("  ")[0] for line in lines}
    assert lines[-2] == f"read with it:  digitdet read --model {finished[0]} photo.jpg"


def test_model_reads(finished, data):
    from digitdet import NumberReader

    picture = next((data / "images" / "test").iterdir())
    assert NumberReader(finished[0], conf=0.001).find(picture).boxes.shape[1] == 4


def test_weights_and_model_hold_no_local_paths(finished):
    run = finished[0]
    for name in ("detector.onnx", "detector.pt", "line_reader.onnx", "line_reader.pt"):
        content = (run / name).read_bytes()
        assert str(run.parent).encode() not in content
        assert b"/home/" not in content
        assert b"site-packages" not in content


def test_finished_run_is_left_alone(finished, data):
    run, _, config = finished
    stamp = (run / "detector.onnx").stat().st_mtime_ns
    said = []
    again = train_run(config, data, run, said.append)
    assert "finished" in said[0]
    assert again.metrics == json.loads((run / "metrics.json").read_text())
    assert (run / "detector.onnx").stat().st_mtime_ns == stamp


def test_another_run_is_refused(finished, data, tmp_path, tiny_materials):
    run, _, config = finished
    with pytest.raises(DataError, match="other settings"):
        train_run(TrainConfig(epochs=3), data, run, print)
    other = tmp_path / "other"
    write_dataset(replace(SYNTH, seed=1), tiny_materials(SYNTH), other, workers=1)
    with pytest.raises(DataError, match="other data"):
        train_run(config, other, run, print)
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(DataError, match="not empty"):
        train_run(config, data, tmp_path, print)


def test_moved_dataset_is_the_same(finished, data, tmp_path):
    run, _, config = finished
    shutil.copytree(data, tmp_path / "moved")
    assert train_run(config, tmp_path / "moved", run, print).folder == run


def test_a_missing_start_is_reported_before_the_folder_is_claimed(data, tmp_path):
    for name in ("empty", "exported"):
        (tmp_path / name).mkdir()
    (tmp_path / "exported" / DETECTOR).write_bytes(shipped_file(DETECTOR).read_bytes())
    for name, reason in (("typo", "no such run"), ("empty", "has none of"), ("exported", "but not detector.pt")):
        with pytest.raises(ModelError, match=reason):
            train_run(TrainConfig(start=str(tmp_path / name)), data, tmp_path / "run", print)
    assert not (tmp_path / "run").exists()


def test_a_cut_off_picture_is_reported_before_the_training(data, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    picture = next((tmp_path / "data" / "images" / "test").iterdir())
    picture.write_bytes(picture.read_bytes()[:-200])
    with pytest.raises(DataError, match=picture.name):
        train_run(TrainConfig(), tmp_path / "data", tmp_path / "run", print)


def test_missing_gpu_is_named(data, tmp_path):
    with pytest.raises(DigitdetError, match="there is no GPU 99"):
        train_run(TrainConfig(device="99"), data, tmp_path / "run", print)


STOPPED = "(stopped)"


class Trap:
    """Pickled, it creates a file when it is loaded."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.fixture(scope="module")
def resumed(tmp_path_factory, data):
    """A run that started from the shipped weights, was stopped right after its first epoch was saved, and resumed.

    Returns its folder, which also has the dataset, with traps in the place of Ultralytics' caches, and the weights;
    and what both calls said, with STOPPED between them.
    """
    folder = tmp_path_factory.mktemp("resumed")
    copy, start, run = folder / "copy", folder / "start", folder / "run"
    shutil.copytree(data, copy)
    for split in ("train", "val"):
        (copy / "labels" / f"{split}.cache").write_bytes(pickle.dumps(Trap(folder / "trace")))
    start.mkdir()
    for name in (DETECTOR, DETECTOR_WEIGHTS):
        shutil.copy(shipped_file(name), start)
    config = TrainConfig(
        epochs=2, batch=8, image_size=96, threads=1, learning_rate=1e-6, start=str(start), only="detector"
    )
    said = []
    write = yolo.write_atomically

    def write_and_die(path, content):
        write(path, content)
        if path.name == yolo.CHECKPOINT:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.figure.Figure.savefig", lambda *_args, **_options: None)
        patch.setattr(yolo, "write_atomically", write_and_die)
        with pytest.raises(KeyboardInterrupt):
            train_run(config, copy, run, said.append)
        said.append(STOPPED)
        patch.setattr(yolo, "write_atomically", write)
        # What a kill leaves of the trainer's own files; the copies in the run folder are complete.
        for name in ("last.pt", "best.pt"):
            stump = run / "training" / "weights" / name
            stump.write_bytes(stump.read_bytes()[:1000])
        train_run(config, copy, run, said.append)
    return folder, said


def test_interrupted_run_is_resumed(resumed):
    """The same call resumes with the second epoch."""
    folder, said = resumed
    stop = said.index(STOPPED)
    assert "the same command continues" in said[stop - 1]
    assert "continuing the detector after epoch 1 of 2" in said[stop:]
    assert any(line.startswith("detector, epoch 2 of 2: loss box ") for line in said[stop:])
    training = folder / "run" / "training"
    assert (training / "ultralytics.log").stat().st_size > 0
    assert [line.split(",")[0] for line in (training / "results.csv").read_text().splitlines()[1:]] == ["1", "2"]
    assert (folder / "run" / "detector.onnx").is_file()


def test_label_caches_are_not_unpickled(resumed):
    """Ultralytics reads labels/train.cache with pickle before anything else."""
    folder, _ = resumed
    assert not (folder / "trace").exists()
    assert len(list((folder / "copy").rglob("*.cache"))) == 2  # training has its own copy of the labels


def test_training_starts_from_weights(finished, resumed):
    """The loss of the first epoch is far lower than from scratch."""
    folder, _ = resumed
    run = folder / "run"

    def first_loss(run):
        header, first = (run / "training" / "results.csv").read_text().splitlines()[:2]
        return float(dict(zip(header.split(","), first.split(","), strict=True))["train/cls_loss"])

    assert first_loss(run) < 0.7 * first_loss(finished[0])
    # The weights hold no local paths.
    assert str(folder).encode() not in (run / "detector.pt").read_bytes()
    # Eight pictures are too few for a calibration: the run keeps that of the shipped line reader, which it copies.
    kept, shipped = (OnnxLineReader(path) for path in (run / LINE_READER, shipped_file(LINE_READER)))
    assert kept.calibration == shipped.calibration


def test_only_the_line_reader_is_trained(finished, data, tmp_path):
    """Its detector is that of the start; a run that is interrupted later keeps its line reader."""
    start = finished[0]
    tiny = LineReaderConfig(epochs=2, learning_rate=1e-4)
    config = TrainConfig(only="line-reader", start=str(start), threads=1, line_reader=tiny)
    run = tmp_path / "run"
    said = []

    def stop(line):
        said.append(line)
        if line.startswith("measuring"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_run(config, data, run, stop)
    weights = (run / "line_reader.pt").read_bytes()
    assert weights != (start / "line_reader.pt").read_bytes()
    for name in ("detector.onnx", "detector.pt"):
        assert (run / name).read_bytes() == (start / name).read_bytes()
    metrics = train_run(config, data, run, print).metrics
    assert (run / "line_reader.pt").read_bytes() == weights
    assert metrics["lines"]["lines"] > 0
    assert not (run / "training" / "results.csv").exists()


def test_the_second_reader_is_trained_on_a_dataset_with_digit_boxes_alone(finished, data, tmp_path, monkeypatch):
    monkeypatch.setattr(line_reader, "_BATCH", 8)
    monkeypatch.setattr(line_reader, "_BATCHES_PER_POOL", 2)
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    (copy / "numbers.jsonl").unlink()
    start, run = tmp_path / "start", tmp_path / "run"
    shutil.copytree(finished[0], start)
    shutil.copy(shipped_file(PROPOSALS), start)
    config = TrainConfig(only="second-reader", start=str(start), threads=1, line_reader=LineReaderConfig(epochs=1))
    said = []
    metrics = train_run(config, copy, run, said.append).metrics
    assert metrics["lines"]["exact"] is None  # the true marks are those that the line reader sees
    assert "24 of 24 train pictures have only digits labelled; the line reader adds the marks" in said
    assert (run / "line_reader.pt").read_bytes() == (start / "line_reader.pt").read_bytes()
    assert (run / PROPOSALS).read_bytes() == (start / PROPOSALS).read_bytes()
    # The start has no second reader, so it is the shipped one that is trained on.
    sizes = [(run / name).stat().st_size / shipped_file(name).stat().st_size for name in (LINE_READER, SECOND_READER)]
    np.testing.assert_allclose(sizes, 1, atol=0.01)
    assert (run / SECOND_READER).read_bytes() != shipped_file(SECOND_READER).read_bytes()


def test_the_proposal_network_is_trained_alone(data, tmp_path):
    config = TrainConfig(only="proposals", start="shipped", threads=1, proposals=ProposalConfig(epochs=2))
    said, run = [], tmp_path / "run"
    metrics = train_run(config, data, run, said.append).metrics
    assert "training the proposal network on 24 pictures" in said
    assert metrics["proposals"]["digits"] > 0
    assert metrics["proposals"]["proposed"] > 0.5
    assert (run / DETECTOR).read_bytes() == shipped_file(DETECTOR).read_bytes()
    assert (run / PROPOSALS).read_bytes() != shipped_file(PROPOSALS).read_bytes()
    assert not [name for pattern in UNFINISHED for name in run.glob(pattern)]


def test_unsound_dataset_is_refused_before_training(tmp_path, tiny_materials):
    data = tmp_path / "data"
    write_dataset(SYNTH, tiny_materials(SYNTH), data, workers=1)
    (data / "labels" / "train" / "000000.txt").write_text("12 0.5 0.5 0.1 0.1\n")
    with pytest.raises(DataError, match=r"000000\.txt: class 12 has no name in"):
        train_run(TrainConfig(), data, tmp_path / "run", print)
    assert not (tmp_path / "run").exists()


def test_missing_dataset_says_how_to_make_one(tmp_path):
    with pytest.raises(DataError, match="digitdet synth"):
        train_run(TrainConfig(), tmp_path / "nothing", tmp_path / "run", print)


def test_pickled_code_in_weights_is_not_run(tmp_path):
    """The pickle in this .pt file would create a file."""
    import torch

    trace = tmp_path / "trace"
    torch.save({"model": Trap(trace)}, tmp_path / "trap.pt")
    with pytest.raises(ModelError, match=r"trap\.pt"):
        yolo.require_loadable(tmp_path / "trap.pt")
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_damaged_start_weights_are_named(tmp_path, content):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(ModelError, match=r"w\.pt"):
        yolo.require_loadable(tmp_path / "w.pt")


def test_switches_are_set():
    yolo._import_ultralytics()
    import ultralytics
    from ultralytics import utils

    assert (utils.ONLINE, utils.AUTOINSTALL, utils.SAFE_LOAD) == (False, False, True)
    for key in ("sync", *yolo._INTEGRATIONS):
        assert ultralytics.settings[key] is False


@pytest.mark.parametrize(("switch", "value"), [("ONLINE", True), ("AUTOINSTALL", True), ("SAFE_LOAD", False)])
def test_ultralytics_imported_without_the_switches_is_refused(switch, value, monkeypatch):
    """It reads them when it is imported, and keeps them as these values."""
    yolo._import_ultralytics()
    monkeypatch.setattr(f"ultralytics.utils.{switch}", value)
    with pytest.raises(DigitdetError, match="imported before"):
        yolo.require_loadable(Path(__file__))
