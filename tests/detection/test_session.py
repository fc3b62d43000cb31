"""Networks from unknown sources."""

import numpy as np
import pytest

from digitdet.common.errors import ModelError
from digitdet.detection.detector import OnnxDetector
from digitdet.detection.postprocess import decode
from digitdet.detection.session import Session

onnx = pytest.importorskip("onnx")


def detector(kernel):
    """A detector of one layer."""
    helper = onnx.helper
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["images", "kernel"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
            helper.make_node("Reshape", ["cells", "shape"], ["output"]),
        ],
        "detector",
        [helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, ["b", 3, "h", "w"])],
        [helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, ["b", 14, "n"])],
        [kernel, onnx.numpy_helper.from_array(np.array([0, 14, -1], np.int64), "shape")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def kernel():
    return onnx.numpy_helper.from_array(np.ones((14, 3, 8, 8), np.float32), "kernel")


def test_a_network_runs():
    session = Session(detector(kernel()).SerializeToString(), "model", "bad")
    assert session.run(np.ones((2, 3, 16, 8), np.float32)).shape == (2, 14, 2)


@pytest.mark.parametrize("place", ["../secret.bin", "secret.bin", "/etc/hostname"])
def test_a_model_cannot_read_other_files(tmp_path, monkeypatch, place):
    """ONNX's external data: beside the model, above it, and in the folder where the program runs."""
    folder = tmp_path / "models"
    folder.mkdir()
    for secret in (tmp_path / "secret.bin", folder / "secret.bin"):
        secret.write_bytes(bytes(4 * 14 * 3 * 8 * 8))
    monkeypatch.chdir(folder)
    outside = kernel()
    outside.ClearField("raw_data")
    outside.data_location = onnx.TensorProto.EXTERNAL
    outside.external_data.add(key="location", value=place)
    (folder / "model.onnx").write_bytes(detector(outside).SerializeToString())
    with pytest.raises(ModelError, match="not an ONNX model that can be run") as caught:
        OnnxDetector(folder / "model.onnx")
    assert "\n" not in str(caught.value)


def test_a_network_that_fails_when_it_is_run_is_one_line():
    session = Session(detector(kernel()).SerializeToString(), "model.onnx", "bad")
    with pytest.raises(ModelError, match=r"^model\.onnx: the network fails on a picture$"):
        session.run(np.ones((1, 5, 16, 16), np.float32))


def test_values_that_are_not_finite_are_dropped():
    """A damaged network may give anything."""
    output = np.full((14, 5), 0.9, np.float32)
    output[0, 0], output[2, 1], output[7, 2], output[3, 3] = np.nan, np.inf, np.inf, -np.inf
    assert len(decode(output, 0.5)) == 1
