"""The files of a model, and their metadata."""

import pytest

from digitdet.common.characters import CHARACTERS
from digitdet.common.errors import ModelError
from digitdet.models.model_file import (
    DETECTOR,
    LINE_READER,
    NETWORKS,
    PROPOSALS,
    SECOND_READER,
    class_names,
    find_model,
    read_entries,
    shipped_file,
    store_entries,
    write_detector,
    write_line_reader,
    write_proposals,
)

onnx = pytest.importorskip("onnx")
SHIPPED = find_model(None)


@pytest.fixture
def exported():
    """A network of one node, as an exporter writes it: with its own metadata."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    value = [helper.make_tensor_value_info(name, kind, [1]) for name in ("x", "y")]
    made = helper.make_model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", value[:1], value[1:]))
    helper.set_model_props(made, {"names": str({digit: str(digit) for digit in range(10)}), "path": "/home/me"})
    return made.SerializeToString()


def test_entries_are_read_as_they_are_written(tmp_path, exported):
    file = tmp_path / DETECTOR
    write_detector(file, exported, 192, "1.2.3")
    store_entries(file, note='{"a": "\u00e9"}')
    entries = read_entries(file.read_bytes(), "x")
    assert {key: entries[key] for key in ("imgsz", "digitdet", "license", "note")} == {
        "imgsz": "192",
        "digitdet": "1.2.3",
        "license": "AGPL-3.0",
        "note": '{"a": "\u00e9"}',
    }
    assert class_names(entries) == tuple("0123456789")
    assert "path" not in entries
    assert entries == {entry.key: entry.value for entry in onnx.load(file).metadata_props}


def test_a_file_is_recognised_by_its_metadata(tmp_path, exported):
    mine = tmp_path / "mine.onnx"
    write_detector(mine, exported, 320, "1")
    found = find_model(mine)
    assert (found.detector, found.line_reader) == (mine, SHIPPED.line_reader)
    assert found.own == {DETECTOR: mine}
    write_line_reader(mine, exported, 40, "1", {})
    found = find_model(mine)
    assert (found.detector, found.line_reader) == (SHIPPED.detector, mine)
    entries = read_entries(mine.read_bytes(), "x")
    write_proposals(mine, exported, 8, "1")
    assert find_model(mine).own == {PROPOSALS: mine}
    assert (entries["characters"], entries["height"], entries["license"]) == (CHARACTERS, "40", "MIT")
    write_line_reader(tmp_path / SECOND_READER, exported, 40, "1", {})
    assert find_model(tmp_path / SECOND_READER).own == {SECOND_READER: tmp_path / SECOND_READER}


@pytest.mark.parametrize("names", ["[5, 6]", "{1: 2", "-" * 200_000, "{'a': 1, 2: 3}"])
def test_damaged_names_of_classes_are_no_digits(names):
    assert class_names({"names": names}) == ("unreadable",)


def test_a_run_folder_has_some_of_the_networks(tmp_path, exported):
    with pytest.raises(
        ModelError,
        match=r"has none of detector\.onnx, proposals\.onnx, line_reader\.onnx, second_reader\.onnx; name a run folder",
    ):
        find_model(tmp_path)
    write_line_reader(tmp_path / LINE_READER, exported, 40, "1", {})
    found = find_model(tmp_path)
    assert (found.detector, found.line_reader) == (SHIPPED.detector, tmp_path / LINE_READER)
    write_detector(tmp_path / DETECTOR, exported, 320, "1")
    assert find_model(tmp_path).own == {name: tmp_path / name for name in (DETECTOR, LINE_READER)}
    assert find_model(tmp_path).second_reader == SHIPPED.second_reader
    write_line_reader(tmp_path / SECOND_READER, exported, 40, "1", {})
    write_proposals(tmp_path / PROPOSALS, exported, 8, "1")
    assert find_model(tmp_path).all == tuple(tmp_path / name for name in NETWORKS)


@pytest.mark.parametrize("content", [b"\x80" * 99, b"\x72\xff", b"\x72\x01\x0a", b"\x0b", b"\x72\x03\x0a\x01\xff"])
def test_damaged_files_are_named(tmp_path, content):
    file = tmp_path / "m.onnx"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"m\.onnx: not an ONNX model"):
        find_model(file)


def test_a_file_that_is_cut_off_is_named(exported):
    whole = shipped_file(DETECTOR).read_bytes()
    for size in (1000, len(whole) - 10):
        with pytest.raises(ModelError, match=r"^m: not an ONNX model"):
            read_entries(whole[:size], "m")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ModelError, match=r"gone\.onnx: No such file"):
        find_model(tmp_path / "gone.onnx")
