"""Weights in ONNX (.onnx): the constants of the graph, in torch's layout; needs the package onnx."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurarium.checks import ConfigError, DataError


def read_onnx(path: str | Path) -> dict[str, Tensor]:
    """Read the initializers of an ONNX graph.

    A matrix that the graph multiplies as x W, (inputs, outputs), comes out as (outputs, inputs), as a linear layer of
    torch has it.

    `path`: the file; numbers kept outside it are found beside it.
    Returns: Tensors by name, in the graph's order.
    Raises DataError: not there, damaged, no ONNX file or one without weights; ConfigError: onnx is not installed.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped, unused-ignore]
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"weights in {path}", expected="the package onnx", got="none", remedy="pip install 'neurarium[export]'"
        ) from error
    try:
        graph = onnx.load(str(path)).graph
        arrays = {tensor.name: np.array(onnx.numpy_helper.to_array(tensor)) for tensor in graph.initializer}
        backwards = _applied_from_the_right(graph)
    except (OSError, DecodeError, ValueError, TypeError, onnx.checker.ValidationError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise DataError(str(path), expected="a whole ONNX file", got=reason, remedy="check the path") from error
    if not arrays:
        raise DataError(str(path), expected="a graph with weights", got="an ONNX file without any")
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return {name: x.T.contiguous() if name in backwards and x.ndim == 2 else x for name, x in tensors.items()}


def _applied_from_the_right(graph: Any) -> set[str]:
    """Names of the matrices W in x W."""
    names = {node.input[1] for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:
        if node.op_type == "Gemm" and not any(a.name == "transB" and a.i for a in node.attribute):
            names.add(node.input[1])
    return names
