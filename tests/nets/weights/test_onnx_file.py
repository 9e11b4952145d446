from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from neurarium.checks import ConfigError, DataError
from neurarium.nets.weights.onnx_file import read_onnx

onnx = pytest.importorskip("onnx")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Convolution, then a matrix from the right, then one from the left."""
    draw, helper = np.random.default_rng(0), onnx.helper
    arrays = {
        "conv.weight": draw.normal(size=(2, 1, 3, 3)), "conv.bias": draw.normal(size=2), "m": draw.normal(size=(8, 5)),
        "g": draw.normal(size=(5, 4)), "t": draw.normal(size=(3, 4)),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight", "conv.bias"], ["1"]),
        helper.make_node("Flatten", ["1"], ["2"]),
        helper.make_node("MatMul", ["2", "m"], ["3"]),
        helper.make_node("Gemm", ["3", "g"], ["4"]),
        helper.make_node("Gemm", ["4", "t"], ["y"], transB=1),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "net", [value("x", 1, [1, 1, 4, 4])], [value("y", 1, [1, 3])],
        [onnx.numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(made)
    onnx.save(made, tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def test_weights_compute_what_the_runtime_computes(model: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    x = np.random.default_rng(1).normal(size=(1, 1, 4, 4)).astype(np.float32)
    (expected,) = runtime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    weights = read_onnx(model)
    assert list(weights) == ["conv.weight", "conv.bias", "m", "g", "t"]
    y = F.conv2d(torch.from_numpy(x), weights["conv.weight"], weights["conv.bias"]).flatten(1)
    for name in "mgt":
        y = F.linear(y, weights[name])
    torch.testing.assert_close(y, torch.from_numpy(expected), rtol=1e-5, atol=1e-5)


def test_damaged_and_foreign(model: Path) -> None:
    whole = model.read_bytes()
    model.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="a whole ONNX file"):
        read_onnx(model)
    with pytest.raises(DataError, match="no such file"):
        read_onnx(model.with_name("none.onnx"))
    model.write_bytes(b"")
    with pytest.raises(DataError, match="without any"):
        read_onnx(model)


def test_without_the_package(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"neurarium\[export\]"):
        read_onnx(model)
