"""Storing weights in 8 bits."""

import importlib.util

import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed", allow_module_level=True)

import numpy as np
import onnxruntime
import torch
from torch import nn

from digitdet.training import eight_bits
from digitdet.training.blocks import read_weights, to_onnx, write_weights


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 32, 8), nn.Flatten(), nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 40)).eval()


@pytest.fixture
def quantized(network):
    """The network with the weights that remain after storing."""
    network.load_state_dict(eight_bits.dequantize(eight_bits.quantize(network.state_dict())))
    return network


def test_restored_weights_differ_by_at_most_half_a_step(network):
    before = network.state_dict()
    after = eight_bits.dequantize(eight_bits.quantize(before))
    assert list(after) == list(before)
    assert eight_bits.dequantize({"norm.scale": 1}) == {"norm.scale": 1}  # no scale of a quantized weight
    for name, value in before.items():
        if value.ndim > 1:
            steps = value.flatten(1).abs().amax(1, keepdim=True) / 127
            assert ((after[name] - value).flatten(1).abs() <= 0.501 * steps).all()
        else:
            assert torch.equal(after[name], value)


def test_small_weights_and_vectors_are_stored_as_they_are():
    weights = {"bias": torch.randn(9000), "weight": torch.randn(3, 4), "steps": torch.tensor(5)}
    packed = eight_bits.quantize(weights)
    assert packed.keys() == weights.keys()
    assert all(torch.equal(packed[name], value) for name, value in weights.items())


def test_a_channel_of_zeros_stays_zero():
    weights = {"weight": torch.randn(8, 1024)}
    weights["weight"][3] = 0
    assert not eight_bits.dequantize(eight_bits.quantize(weights))["weight"][3].any()


def test_a_file_in_8_bits_is_read_like_one_in_half_precision(network, tmp_path):
    write_weights(network, "one", tmp_path / "large.pt")
    write_weights(network, "one", tmp_path / "small.pt", in_8_bits=True)
    large, small = (read_weights(tmp_path / name, "one") for name in ("large.pt", "small.pt"))
    assert large.keys() == small.keys()
    assert torch.allclose(large["2.weight"].float(), small["2.weight"], atol=2e-3)
    sizes = [(tmp_path / name).stat().st_size for name in ("large.pt", "small.pt")]
    assert sizes[1] < 0.7 * sizes[0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("in_8_bits", [False, True])
def test_weights_of_a_network_on_a_gpu_are_written(network, tmp_path, in_8_bits):
    write_weights(network.cuda(), "one", tmp_path / "one.pt", in_8_bits)
    weights = torch.load(tmp_path / "one.pt", weights_only=True)["one"]
    assert {value.device.type for value in weights.values()} == {"cpu"}


def test_an_onnx_file_in_8_bits_gives_the_outputs_of_the_restored_weights(quantized):
    content = to_onnx(quantized, torch.zeros(2, 3, 8, 8), ("x", "y"), {"x": {0: "batch"}, "y": {0: "batch"}})
    packed = eight_bits.quantize_onnx(content)
    assert len(packed) < 0.45 * len(content)
    x = np.random.default_rng(0).standard_normal((5, 3, 8, 8)).astype(np.float32)
    outputs = [onnxruntime.InferenceSession(one).run(None, {"x": x})[0] for one in (content, packed)]
    assert np.abs(outputs[0]).max() > 0.1
    np.testing.assert_allclose(outputs[1], outputs[0], atol=1e-5)
