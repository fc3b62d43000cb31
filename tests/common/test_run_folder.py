"""The folder of a resumable run: claimed, resumed, finished, or refused."""

from dataclasses import dataclass, replace

import pytest

from digitdet.common.errors import DataError
from digitdet.common.run_folder import RunFolder


@dataclass(frozen=True)
class Settings:
    text: str

    def to_yaml(self):
        return self.text


@pytest.fixture
def run(tmp_path):
    return RunFolder(
        tmp_path / "run",
        "training",
        Settings("epochs: 3"),
        lambda text, _source: Settings(text),
        "train.yaml",
        "metrics.json",
        identity={"fingerprint": "abc", "machine": "x"},
        identity_file="run.json",
        identity_keys=("fingerprint",),
        temporary=("checkpoint.*",),
    )


def names(run):
    return sorted(path.name for path in run.path.iterdir())


def test_a_run_is_claimed_resumed_and_finished(run):
    run.require_free_or_same()
    assert not run.path.exists()
    with run.locked():
        run.claim()
        (run.path / "checkpoint.pt").write_bytes(b"x")
        (run.path / ".model.onnx.99.tmp").write_bytes(b"half")
        replace(run, identity={"fingerprint": "abc", "machine": "another"}).claim()
        assert names(run) == [".lock", "checkpoint.pt", "run.json", "train.yaml"]
        assert not run.is_finished
        run.finish("{}\n")
        assert run.is_finished
    assert names(run) == ["metrics.json", "run.json", "train.yaml"]


def test_a_scratch_folder_holds_temporary_files_and_is_removed(run):
    run = replace(run, scratch=".parts", identity_file=None)
    run.claim()
    assert names(run) == [".parts", "train.yaml"]
    (run.path / "metrics.json").write_text("{}")
    assert not run.is_finished
    run.finish(None)
    assert run.is_finished
    assert names(run) == ["metrics.json", "train.yaml"]


@pytest.mark.parametrize("leftover", ["run.json", ".lock", ".run.json.7.tmp", ".parts"])
def test_leftovers_of_an_interrupted_claim_are_ignored(run, leftover):
    run = replace(run, scratch=".parts")
    run.path.mkdir()
    (run.path / leftover).mkdir() if leftover == ".parts" else (run.path / leftover).write_text("{}")
    run.claim()
    assert (run.path / "train.yaml").is_file()


def test_another_run_is_refused(run):
    run.claim()
    with pytest.raises(DataError, match=r"run: holds a training of other settings \(see train\.yaml\)"):
        replace(run, settings=Settings("epochs: 4")).claim()
    with pytest.raises(DataError, match=r"run: holds a training of other data \(see run\.json\)"):
        replace(run, identity={"fingerprint": "abd"}).require_free_or_same()
    (run.path / "run.json").write_text("{")
    with pytest.raises(DataError, match=r"run\.json: missing or damaged"):
        run.claim()


def test_a_folder_of_something_else_is_refused(run):
    run.path.mkdir()
    (run.path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="is not empty and holds no training"):
        run.claim()
    assert names(run) == ["thesis.txt"]


def test_two_processes_do_not_write_at_once(run):
    with run.locked(), pytest.raises(DataError, match="another digitdet is writing there"), run.locked():
        pass
