"""When the networks of a model are loaded."""

import numpy as np
import pytest

from digitdet.common.errors import ModelError
from digitdet.models.model_file import SECOND_READER, shipped_file
from digitdet.reading import line_reader
from digitdet.reading.line_reader import OnnxLineReader
from digitdet.reading.model import load_model
from digitdet.reading.strips import STRIP_HEIGHT


def test_for_a_single_picture_the_second_reader_is_loaded_when_it_first_reads(monkeypatch):
    second_reader = load_model(is_short_lived=True).second_reader
    loaded = []

    def load(*arguments):
        loaded.append(arguments)
        return OnnxLineReader(*arguments)

    monkeypatch.setattr(line_reader, "OnnxLineReader", load)
    assert second_reader.read([]) == []
    assert not loaded
    strip = np.random.default_rng(0).integers(0, 255, (STRIP_HEIGHT, 64, 3), dtype=np.uint8)
    results = [second_reader.read([strip])[0] for _ in range(2)]
    assert loaded == [(shipped_file(SECOND_READER), True)]
    (expected,) = load_model().second_reader.read([strip])
    for result in results:
        np.testing.assert_allclose(result.log_probabilities, expected.log_probabilities, atol=1e-4)


def test_a_second_reader_of_ones_own_is_checked_at_once(tmp_path):
    (tmp_path / SECOND_READER).write_bytes(shipped_file(SECOND_READER).read_bytes()[:1000])
    with pytest.raises(ModelError, match="not an ONNX model that can be run"):
        load_model(tmp_path, is_short_lived=True)
