"""Reading and composing with Ray: parts that need no cluster, then a cluster on this machine."""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

if importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None:
    pytest.skip("Ray is not installed", allow_module_level=True)

import pyarrow.parquet as pq

from digitdet import Digit, Mark, Number, NumberReader, Reading
from digitdet.cli.main import main
from digitdet.cluster.parquet import SCHEMA, to_parquet
from digitdet.cluster.storage import Folder, find_pictures, read_file
from digitdet.common.errors import DataError, DigitdetError, ImageError
from digitdet.imaging.inputs import Input

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
BOX = (1.0, 2.0, 9.0, 14.0)
FIELDS = json.loads((ROOT / "detector" / "outputs" / "reading.schema.json").read_text(encoding="utf-8"))


# --- local and remote folders ---


def test_uris_are_expanded_like_folders(tmp_path):
    for name in ("b.jpg", "a.PNG", "notes.txt", ".hidden.jpg", "b.read.png", "deep/c.tif", ".deep/d.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    uri = tmp_path.as_uri()
    assert [one.path for one in find_pictures([uri])] == [f"{uri}/a.PNG", f"{uri}/b.jpg", f"{uri}/deep/c.tif"]
    assert next(find_pictures([f"{uri}/"])).path == f"{uri}/a.PNG"
    (single,) = find_pictures([f"{uri}/b.jpg"])
    assert (single.path, single.location, single.source()) == (f"{uri}/b.jpg", f"{uri}/b.jpg", b"x")
    (missing,) = find_pictures([f"{uri}/gone.jpg"])
    with pytest.raises(ImageError, match=r"No such file|does not exist|not found"):
        missing.source()
    for name in ("b c.png", "50%.png", "x#1.png", "q?.png", "%41.png", "ü.png"):
        (tmp_path / "odd" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "odd" / name).write_bytes(name.encode())
    odd = list(find_pictures([f"{uri}/odd"]))
    assert [one.source() for one in odd] == [one.path.rpartition("/")[2].encode() for one in odd]
    assert len(odd) == 6
    (tmp_path / "empty").mkdir()
    assert next(find_pictures([f"{uri}/empty"])).error == "the folder holds no pictures"


def test_local_names_stay_as_they_were_written(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = list(find_pictures(["examples/number.jpg", "examples/*.nothing"]))
    assert [one.path for one in found] == ["examples/number.jpg", "examples/*.nothing"]
    assert found[0].source() == str(EXAMPLES / "number.jpg")
    assert found[1].error == "no file matches this pattern"
    assert isinstance(found[0], Input)


def test_unusable_inputs_are_reported(tmp_path):
    for names in (["-"], ["nothing://x/y"], ["s3n://"]):
        with pytest.raises(DataError):
            list(find_pictures(names))
    with pytest.raises(DataError, match="gone"):
        read_file(str(tmp_path / "gone"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError):
        Folder(str(tmp_path / "file")).make()


@pytest.mark.parametrize("as_uri", [False, True])
def test_files_in_a_folder_are_written_atomically(tmp_path, as_uri, monkeypatch):
    folder = Folder((tmp_path / "out").as_uri() if as_uri else str(tmp_path / "out"))
    folder.make()
    folder.make()
    folder.write("a", b"one")
    folder.write("a", b"two")
    assert (folder.names(), folder.read("a")) == ({"a"}, b"two")

    def cut(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", cut)
    with pytest.raises(OSError, match="No space"):
        folder.write("a", b"three")
    assert (folder.names(), folder.read("a")) == ({"a"}, b"two")
    folder.remove("a")
    assert folder.names() == set()


# --- Parquet ---


def test_the_table_has_the_fields_of_the_json(tmp_path):
    assert SCHEMA.names == list(FIELDS["properties"])
    number = SCHEMA.field("numbers").type.value_type
    assert [field.name for field in number] == list(FIELDS["$defs"]["number"]["properties"])
    for part in ("digit", "mark"):
        fields = number.field(f"{part}s").type.value_type
        assert [field.name for field in fields] == list(FIELDS["$defs"][part]["properties"])


def test_the_table_holds_what_the_json_holds(tmp_path):
    readings = list(NumberReader().read_many([EXAMPLES / "page.jpg", tmp_path / "gone.jpg", EXAMPLES / "number.jpg"]))
    readings.append(Reading((Number("-7", 0.9, (Digit("7", 0.9, BOX),), marks=(Mark("-", 0.8, BOX, 0),)),), 40, 30))
    records = [json.loads(json.dumps(reading.to_dict())) for reading in readings]
    (tmp_path / "x.parquet").write_bytes(to_parquet(records))
    assert pq.read_table(tmp_path / "x.parquet").to_pylist() == records


# --- on this machine ---


def run(*arguments, **more):
    command = [sys.executable, "-m", "digitdet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **more)


def invoke(*arguments):
    """Like `run`, in this process: where Ray is not started."""
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_wrong_usage_is_reported():
    for options, word in [
        (["--ray", "local"], "--out"),
        (["--ray", "local", "--out", "x", "--save", "y"], "--save"),
        (["--ray", "local", "--out", "x", "--every", "2"], "--every"),
        (["--ray", "local", "--out", "x", "--format", "csv"], "--format"),
        (["--shard", "5"], "--shard"),
    ]:
        result = CliRunner().invoke(main, ["read", str(EXAMPLES / "number.jpg"), *options])
        assert (result.exit_code, word in result.output) == (2, True), result.output
    result = CliRunner().invoke(main, ["synth", "--ray", "local", "--workers", "2"])
    assert (result.exit_code, "--workers" in result.output) == (2, True)


def test_a_missing_extra_is_named(monkeypatch, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ray" else find(name))
    result = CliRunner().invoke(main, ["read", "x.jpg", "--ray", "local", "--out", str(tmp_path)])
    assert (result.exit_code, "[ray]" in result.output) == (1, True)


@pytest.mark.slow  # Ray's own processes take long to start; tests/try_extras.py, which CI runs, reads with Ray, too
def test_the_same_readings_as_without_ray(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "bad.jpg").write_bytes(b"hello")
    with contextlib.suppress(OSError):  # a system whose names are text
        (folder / "n\udcff.jpg").write_bytes((EXAMPLES / "number.jpg").read_bytes())
    pictures = [EXAMPLES / "chalk.jpg", EXAMPLES / "number.jpg", folder, tmp_path / "gone.jpg"]
    count = 3 + len(list(folder.iterdir()))
    options = ["--min-confidence", "0.9"]
    local = invoke("read", *pictures, "--format", "jsonl", "--out", tmp_path / "local.jsonl", *options)
    out = tmp_path / "out"
    ray = run("read", *pictures, "--ray", "local", "--out", out, "--shard", "2", *options)
    assert (local.exit_code, ray.returncode) == (1, 1), ray.stderr
    assert "Traceback" not in ray.stderr, ray.stderr
    shards = sorted(out.glob("*.jsonl"))
    assert len(shards) == -(-count // 2)
    assert b"".join(path.read_bytes() for path in shards) == (tmp_path / "local.jsonl").read_bytes()
    records = [record for path in sorted(out.glob("*.parquet")) for record in pq.read_table(path).to_pylist()]
    assert records == [json.loads(line) for path in shards for line in path.read_text().splitlines()]
    (line,) = ray.stderr.splitlines()
    assert line.startswith(f"{len(records)} pictures, {len(records)} pages: 2 error, ")
    assert json.loads((out / "summary.json").read_text())["error"] == 2

    again = invoke("read", *pictures, "--ray", "local", "--out", out, "--shard", "2", *options)
    assert again.stderr.splitlines() == [line]  # and Ray is not even started
    other = invoke("read", *pictures, "--ray", "local", "--out", out, "--shard", "2")
    assert "other pictures or settings" in other.stderr
    assert len(other.stderr.splitlines()) == 1


def test_a_missing_cluster_is_reported_in_one_line(tmp_path):
    ended = run("read", EXAMPLES, "--ray", "127.0.0.1:1", "--out", tmp_path / "out")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("Error: no Ray cluster at 127.0.0.1:1: ")


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_the_same_bytes_as_without_ray(tmp_path):
    pytest.importorskip("albumentations")
    data = os.environ.get("DIGITDET_DATA")
    if data is None:
        pytest.skip("DIGITDET_DATA is not set")
    look = "{canvas_sizes: [[96, 96]], digit_height: [20, 40]}"
    (tmp_path / "synth.yaml").write_text(f"count: 300\nlooks:\n  plain: {look}\n")
    options = ["synth", "--config", tmp_path / "synth.yaml", "--mnist", Path(data) / "mnist"]
    for name, engine in (("local", []), ("ray", ["--ray", "local"])):
        ended = run(*options, *engine, "--out", tmp_path / name)
        assert ended.returncode == 0, ended.stderr
    local, ray = (contents(tmp_path / name) for name in ("local", "ray"))
    assert len(local) > 600
    assert local == ray


def test_errors_of_a_worker_are_reraised_without_traceback():
    from ray.exceptions import RayError

    from digitdet.cluster.ray_session import reraised_worker_errors

    purpose = DataError("x: holds something else")
    purpose.__cause__ = OSError(2, "No such file or directory")
    wrapped = RayError("a long remote traceback")
    wrapped.cause = purpose
    with pytest.raises(DataError, match=r"^x: holds something else$"), reraised_worker_errors():
        raise wrapped
    wrapped.cause = OSError(28, "No space left on device", "/data")
    with pytest.raises(DigitdetError, match=r"^/data: No space left on device$"), reraised_worker_errors():
        raise wrapped
