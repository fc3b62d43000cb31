"""The line reader: tensors of strips, and long strips read in parts."""

import numpy as np
import pytest

from digitdet.common.characters import BLANK, CHARACTERS
from digitdet.common.errors import ModelError
from digitdet.reading import line_reader
from digitdet.reading.line_reader import MAX_WIDTH, OnnxLineReader, to_tensor
from digitdet.reading.strips import COLUMN_WIDTH, STRIP_HEIGHT

METADATA = {"characters": CHARACTERS, "height": str(STRIP_HEIGHT)}


class FakeSession:
    """In the place of a network: returns the mean brightness of every column in all outputs."""

    output_shape = ("batch", "columns", BLANK + 5)
    metadata = METADATA

    def __init__(self, *_arguments):
        self.shapes = []

    def run(self, tensor):
        self.shapes.append(tensor.shape)
        columns = tensor.mean(axis=(1, 2)).reshape(len(tensor), -1, COLUMN_WIDTH).mean(axis=2)
        return np.repeat(columns[:, :, None], BLANK + 5, axis=2).astype(np.float32)


@pytest.fixture
def reader(monkeypatch, tmp_path):
    monkeypatch.setattr(line_reader, "Session", FakeSession)
    (tmp_path / "line_reader.onnx").write_bytes(b"")
    return OnnxLineReader(tmp_path / "line_reader.onnx")


def make_strip(width, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (STRIP_HEIGHT, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("width", [1, 40, 41, MAX_WIDTH, MAX_WIDTH + 1, 1000, 2000])
def test_every_column_of_a_strip_comes_once(reader, width):
    (columns,) = reader.read([make_strip(width)])
    count = -(-width // COLUMN_WIDTH)
    assert columns.log_probabilities.shape == (count, BLANK + 1)
    assert columns.edges.shape == (count, 4)


def test_long_strips_are_read_in_parts_that_fit(reader):
    period = np.tile(make_strip(48), (1, 40, 1))  # all parts have the same mean and contrast
    (columns,) = reader.read([period])
    expected = to_tensor([period], period.shape[1]).mean(axis=(1, 2)).reshape(-1, COLUMN_WIDTH).mean(axis=1)
    assert np.allclose(columns.edges[:, 0], expected, atol=1e-4)
    assert max(shape[3] for shape in reader.session.shapes) <= MAX_WIDTH


def test_strips_are_read_as_if_alone(reader):
    strips = [make_strip(width, seed) for seed, width in enumerate((30, 100, 31, 700, 100))]
    together = reader.read(strips)
    for strip, columns in zip(strips, together, strict=True):
        (alone,) = reader.read([strip])
        assert np.allclose(columns.edges, alone.edges, atol=1e-6)
    assert reader.read([]) == []


def test_many_strips_are_read_in_batches(reader, monkeypatch):
    strips = [make_strip(40, seed) for seed in range(5)]
    together = reader.read(strips)
    monkeypatch.setattr(line_reader, "_MAX_BATCH", 2)
    reader.session.shapes.clear()
    assert all(np.array_equal(a.edges, b.edges) for a, b in zip(together, reader.read(strips), strict=True))
    assert [shape[0] for shape in reader.session.shapes] == [2, 2, 1]


def test_contrast_does_not_matter():
    strip = make_strip(64)
    dim = (strip // 4 + 90).astype(np.uint8)
    assert np.abs(to_tensor([strip], 64) - to_tensor([dim], 64)).mean() < 0.3
    assert np.isfinite(to_tensor([np.full((STRIP_HEIGHT, 8, 3), 7, np.uint8)], 32)).all()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("output_shape", ("batch", 14, "n"), "not a line reader"),
        ("metadata", {}, "made for other characters"),
        ("metadata", METADATA | {"height": "48"}, "made for other characters"),
    ],
)
def test_other_networks_are_refused(name, value, reason, monkeypatch, tmp_path):
    session = type("Other", (FakeSession,), {name: value})
    monkeypatch.setattr(line_reader, "Session", session)
    (tmp_path / "x.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match=reason):
        OnnxLineReader(tmp_path / "x.onnx")
