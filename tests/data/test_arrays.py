import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.arrays import as_inputs, input_fields
from neurarium.record.schema import Field


@pytest.mark.parametrize(
    ("shape", "stored"),
    [
        ((5, 7), (5, 7)),
        ((5, 7, 6), (5, 1, 7, 6)),
        ((5, 7, 6, 3), (5, 3, 7, 6)),
        ((5, 3, 7, 6), (5, 3, 7, 6)),
        ((5, 1, 7, 4), (5, 1, 7, 4)),
    ],
)
def test_shapes(shape, stored):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    inputs = as_inputs(array, "x")
    assert (tuple(inputs.shape), inputs.dtype) == (stored, torch.uint8)


def test_fields():
    assert input_fields((1, 5, 4)) == {"image": Field((1, 5, 4))}
    assert input_fields((2,), ("w", "h")) == {"features": Field((2,), names=("w", "h"))}


def test_channels_move_to_the_front():
    array = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3)).astype(np.uint8)
    inputs = as_inputs(array, "x")
    assert inputs[1, 2, 3, 4] == array[1, 3, 4, 2]
    assert inputs.is_contiguous()


@pytest.mark.parametrize(
    ("source", "shape", "stored"),
    [
        ("bool", (2, 2), torch.uint8),
        ("int64", (2, 2), torch.float64),
        ("float32", (2, 2), torch.float64),
        (">f8", (2, 2), torch.float64),
        ("float64", (2, 2, 2), torch.float32),
        ("int16", (2, 2, 2), torch.float32),
    ],
)
def test_types(source, shape, stored):
    array = np.ones(shape, dtype=source)
    inputs = as_inputs(array, "x")
    assert inputs.dtype == stored
    assert (inputs == 1).all()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(3), r"got shape \(3,\); reshape"),
        (np.ones((2, 5, 5, 5)), r"images with 1, 3 or 4 channels, got shape \(2, 5, 5, 5\)"),
        (np.ones((1, 1, 1, 1, 1)), "got shape"),
        (np.array([["a", "b"]]), "expected numbers, got type <U1"),
        (np.ones((2, 2), dtype=complex), "got type complex128"),
        (np.array([[1.0, 2.0], [3.0, np.nan]]), "x, row 1, column 1 .*: expected a finite number, got nan"),
        (np.full((1, 2, 2), -np.inf), "x, row 0, column 0, 0 .* got -inf; remove"),
    ],
)
def test_bad_arrays(array, message):
    with pytest.raises(DataError, match=message):
        as_inputs(array, "x")
