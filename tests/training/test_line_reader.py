"""The line reader's training: line crops, strips drawn from them, and a network that learns them."""

import importlib.util

import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed", allow_module_level=True)

import cv2
import numpy as np
import onnxruntime
import torch

from digitdet.common.characters import BLANK, CHARACTERS, OTHER, SPACE
from digitdet.configs import LineReaderConfig
from digitdet.datasets.formats.numbers import LineTruth
from digitdet.reading.strips import COLUMN_WIDTH, STRIP_HEIGHT
from digitdet.training import line_reader
from digitdet.training.hardware import Machine
from digitdet.training.line_crops import Shard, cut_empty_line, cut_lines, true_characters, write_shard
from digitdet.training.line_reader import _Pools, to_onnx, train_line_reader
from digitdet.training.line_reader_network import LineReaderNet, Size
from digitdet.training.strip_samples import draw_sample, seed_augmentation

MACHINE = Machine("cpu", in_bf16=False, workers=0)


@pytest.mark.parametrize("lines", [1, 500, 16_384, 16_600, 20_000, 33_000])
def test_a_training_has_the_epochs_that_were_asked_for(lines):
    config = LineReaderConfig(epochs=2)
    seen = line_reader.count_steps(lines, config) * line_reader._BATCH
    pool = line_reader._BATCH * line_reader._BATCHES_PER_POOL
    assert abs(seen - config.epochs * lines) <= max(pool, 0.02 * seen)


def draw_line(text, height=30, top=60, left=40, pitch=22):
    """A page with a line of text, and its truth; every character fills its box."""
    page = np.full((200, 480, 3), 230, np.uint8)
    boxes = []
    for place, character in enumerate(text):
        x = left + place * pitch
        if character != " ":
            boxes.append((x, top, x + pitch - 4, top + height))
            scale = cv2.getFontScaleFromHeight(cv2.FONT_HERSHEY_SIMPLEX, height - 2)
            cv2.putText(page, character, (x, top + height - 1), cv2.FONT_HERSHEY_SIMPLEX, scale, (20, 20, 20), 2)
    return page, LineTruth(text, tuple(boxes))


def crops_of(text, **place):
    page, line = draw_line(text, **place)
    characters = true_characters([line])
    return cut_lines(page, characters.boxes[characters.classes < 10].astype(float), characters, is_found=False)


def written(sample):
    return "".join(CHARACTERS[one] for one in sample.text)


@pytest.mark.parametrize("height", [14, 30, 90])
def test_a_cut_out_holds_the_characters_of_its_line(height):
    (crop,) = crops_of("12.5 kg", height=height, pitch=int(0.7 * height), left=90)
    assert crop.characters.classes.tolist()[:4] == [1, 2, CHARACTERS.index("."), 5]
    assert crop.characters.after_space.tolist()[:5] == [True, False, False, False, True]
    assert len(crop.digits) == 3
    rows = [0, 1, 3]
    assert np.allclose(crop.characters.boxes[rows], crop.digits, atol=0.01)
    assert max(crop.digits[:, 3] - crop.digits[:, 1]) <= 45


def test_a_wide_gap_parts_a_line():
    left, right = draw_line("12"), draw_line("345", left=340)
    page = np.minimum(left[0], right[0])
    characters = true_characters([left[1], right[1]])
    crops = cut_lines(page, characters.boxes.astype(float), characters, is_found=True)
    assert [len(crop.digits) for crop in crops] == [2, 3]


def test_crops_are_stored(tmp_path):
    crops = crops_of("12.5 kg") + crops_of("907", height=70, pitch=50)
    write_shard(tmp_path / "0.npz", crops)
    stored = Shard(tmp_path / "0.npz")
    assert len(stored) == 2
    for row, crop in enumerate(crops):
        assert np.array_equal(stored[row].digits, crop.digits)
        assert np.array_equal(stored[row].characters.classes, crop.characters.classes)
        assert np.abs(stored[row].image.astype(int) - crop.image).mean() < 3
        assert (stored[row].angle, stored[row].is_found) == (pytest.approx(crop.angle), crop.is_found)


def test_samples_say_what_their_strips_show():
    (crop,) = crops_of("31-7 kWh")
    rng = np.random.default_rng(0)
    seed_augmentation(0)
    texts, heights = set(), []
    for _ in range(60):
        sample = draw_sample(crop, rng)
        heights.append((sample.edges[:, 1] + sample.edges[:, 3]).max())  # in strip heights
        assert sample.image.shape == (STRIP_HEIGHT, len(sample.columns) * COLUMN_WIDTH, 3)
        seen = sample.columns[sample.columns != BLANK]
        order = seen[np.append(True, seen[1:] != seen[:-1])]
        assert order.tolist() == [one for one in sample.text if one != SPACE]
        assert (sample.edges[sample.columns != BLANK][:, [1, 3]] > 0).all()
        texts.add(written(sample))
    assert min(heights) < 0.6 < 0.75 < max(heights)  # some strips are much higher than their digits
    assert {"31-7", f"31-7 {CHARACTERS[OTHER]}"} & texts
    assert all(text in f"31-7 {CHARACTERS[OTHER]}" for text in texts)


def test_edges_lead_to_the_character():
    (crop,) = crops_of("468")
    sample = draw_sample(crop, np.random.default_rng(3))
    middles = (np.arange(len(sample.columns)) + 0.5) * COLUMN_WIDTH
    for label in (4, 6, 8):
        columns = sample.columns == label
        left = middles[columns] - sample.edges[columns, 0] * STRIP_HEIGHT
        right = middles[columns] + sample.edges[columns, 2] * STRIP_HEIGHT
        assert np.ptp(left) < 0.01
        assert np.ptp(right) < 0.01
        assert 8 < right[0] - left[0] < 24


def test_a_place_without_characters_is_an_empty_text():
    page, line = draw_line("12345678", top=10, height=30)
    rng = np.random.default_rng(0)
    found = [cut_empty_line(page, true_characters([line]), rng) for _ in range(40)]
    empty = [crop for crop in found if crop is not None]
    assert empty
    assert all(written(draw_sample(crop, rng)) == "" for crop in empty)


def test_every_line_comes_once_a_turn(tmp_path):
    write_shard(tmp_path / "0.npz", [crop for text in ("12", "34", "56") for crop in crops_of(text)])
    write_shard(tmp_path / "1.npz", [crop for text in ("78", "90") for crop in crops_of(text)])
    pools = _Pools([Shard(tmp_path / "0.npz"), Shard(tmp_path / "1.npz")], seed=0)
    lines = [*pools._lines(0), *pools._lines(1)]
    for turn in range(0, len(lines) - 5, 5):
        assert len(set(lines[turn : turn + 5])) == 5


def test_a_network_learns_a_line_in_an_interrupted_training(tmp_path, monkeypatch):
    for name, value in {"_BATCH": 6, "_BATCHES_PER_POOL": 2, "_POOLS_PER_CHUNK": 4}.items():
        monkeypatch.setattr(line_reader, name, value)
    write_shard(tmp_path / "0.npz", crops_of("7041"))
    config = LineReaderConfig(epochs=12 * 7, learning_rate=0.003)
    losses = []

    def note(step):
        losses.append(step.loss)
        if len(losses) == 10:
            raise KeyboardInterrupt

    arguments = ([tmp_path / "0.npz"], config, 0, MACHINE, LineReaderNet(), tmp_path / "checkpoint.pt", note)
    with pytest.raises(KeyboardInterrupt):
        train_line_reader(*arguments)
    network = train_line_reader(*arguments)
    assert losses[-1] < 0.5 * losses[0]
    assert isinstance(network, LineReaderNet)
    assert len(to_onnx(network)) > 100_000
    assert torch.isfinite(network(torch.zeros(1, 3, STRIP_HEIGHT, 64))[0]).all()


def test_only_attention_connects_distant_columns():
    torch.manual_seed(0)
    size = Size((8, 8, 8, 8), 16, stem_blocks=1, blocks=3, attention_layers=2)
    network = LineReaderNet(size).eval()
    far = torch.randn(1, 3, STRIP_HEIGHT, 384)
    far[..., :192] = 0
    strip = torch.randn(1, 3, STRIP_HEIGHT, 384)
    strip[..., 192:] = 0
    with torch.no_grad():
        padded, full = network(strip)[0], network(strip + far)[0]
        assert not torch.allclose(padded[:, :8], full[:, :8], atol=1e-4)
        for layer in network.attention:
            torch.nn.init.zeros_(layer.combine.weight)
            torch.nn.init.zeros_(layer.combine.bias)
        torch.testing.assert_close(network(strip)[0][:, :8], network(strip + far)[0][:, :8])


def test_the_second_reader_reads_a_padded_strip_like_a_tight_one():
    torch.manual_seed(0)
    network = LineReaderNet(Size((8, 8, 8, 8), 16, stem_blocks=1, blocks=3, attention_layers=2)).eval()
    strip = torch.randn(1, 3, STRIP_HEIGHT, 256)
    strip[..., 192:] = 0  # the convolutions at the end of the strip see the padding either way
    wide = torch.cat([strip, torch.zeros(1, 3, STRIP_HEIGHT, 128)], dim=3)
    with torch.no_grad():
        torch.testing.assert_close(network(wide)[0][:, :64], network(strip)[0])
    content = to_onnx(network)
    session = onnxruntime.InferenceSession(content)
    outputs = session.run(None, {"strips": wide.numpy()})[0]
    with torch.no_grad():
        np.testing.assert_allclose(outputs[..., :18], network(wide)[0].log_softmax(2).numpy(), atol=1e-4)
