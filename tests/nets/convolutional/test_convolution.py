import itertools
from math import ceil
from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.convolution import convolve, cross_correlate, margins

CURVE = torch.zeros(7, 7)
for row, column in [(0, 5), (1, 4), (2, 3), (3, 3), (4, 3), (5, 3)]:
    CURVE[row, column] = 30.0
MOUSE_BACK = torch.tensor(
    [
        [0, 0, 0, 0, 0, 0, 30],
        [0, 0, 0, 0, 50, 50, 50],
        [0, 0, 0, 20, 50, 0, 0],
        [0, 0, 0, 50, 50, 0, 0],
        [0, 0, 0, 50, 50, 0, 0],
        [0, 0, 0, 50, 50, 0, 0],
        [0, 0, 0, 50, 50, 0, 0],
    ],
    dtype=torch.float32,
)
MOUSE_HEAD = torch.tensor(
    [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 40, 0, 0, 0, 0, 0],
        [40, 0, 40, 0, 0, 0, 0],
        [40, 20, 0, 0, 0, 0, 0],
        [0, 50, 0, 0, 0, 0, 0],
        [0, 0, 50, 0, 0, 0, 0],
        [25, 25, 0, 50, 0, 0, 0],
    ],
    dtype=torch.float32,
)


def by_definition(
    x: np.ndarray, w: np.ndarray, stride: int, before: tuple[int, ...], after: tuple[int, ...], e: int, groups: int
) -> np.ndarray:
    """The sums as they are printed, one term after the other."""
    size, window = x.shape[2:], w.shape[2:]
    outputs = [
        (d + p + q - e * (f - 1) - 1) // stride + 1 for d, f, p, q in zip(size, window, before, after, strict=True)
    ]
    y = np.zeros((len(x), len(w), *outputs))
    for b, k in np.ndindex(len(x), len(w)):
        for c in range(w.shape[1]):
            source = x[b, k // (len(w) // groups) * w.shape[1] + c]
            for u, t in itertools.product(np.ndindex(*outputs), np.ndindex(*window)):
                at = tuple(stride * i - p + e * j for i, j, p in zip(u, t, before, strict=True))
                if all(0 <= a < d for a, d in zip(at, size, strict=True)):
                    y[(b, k, *u)] += w[(k, c, *t)] * source[at]
    return y


@st.composite
def cases(draw: Any) -> dict[str, Any]:
    axes = draw(st.integers(1, 3))
    largest = {1: 9, 2: 6, 3: 4}[axes]
    groups = draw(st.integers(1, 2))
    return {
        "size": tuple(draw(st.integers(3, largest)) for _ in range(axes)),
        "window": tuple(draw(st.integers(1, 3)) for _ in range(axes)),
        "stride": draw(st.integers(1, 2)),
        "padding": draw(st.integers(0, 2)),
        "dilation": draw(st.integers(1, 1 if axes == 3 else 2)),
        "groups": groups,
        "seed": draw(st.integers(0, 99)),
    }


@settings(max_examples=25, deadline=None)
@given(case=cases())
def test_cross_correlation_by_definition(case: dict[str, Any]) -> None:
    span = [case["dilation"] * (f - 1) + 1 for f in case["window"]]
    p = case["padding"]
    if any(d + 2 * p < s for d, s in zip(case["size"], span, strict=True)):
        return
    random = np.random.default_rng(case["seed"])
    x = random.normal(size=(2, 2 * case["groups"], *case["size"]))
    w = random.normal(size=(2 * case["groups"], 2, *case["window"]))
    bias = random.normal(size=len(w))
    around = (p,) * len(span)
    expected = by_definition(x, w, case["stride"], around, around, case["dilation"], case["groups"])
    y = cross_correlate(
        torch.from_numpy(x),
        torch.from_numpy(w),
        torch.from_numpy(bias),
        stride=case["stride"],
        padding=p,
        dilation=case["dilation"],
        groups=case["groups"],
    )
    np.testing.assert_allclose(y.numpy(), expected + bias.reshape(1, -1, *(1,) * len(span)), atol=1e-12)


def test_worked_example_of_the_lecture() -> None:
    x, w = torch.tensor([[[1.0, 2.0, -1.0, 1.0, -3.0]]]), torch.tensor([[[1.0, 0.0, -1.0]]])
    for padding in (1, "same"):
        assert cross_correlate(x, w, padding=padding).flatten().tolist() == [-2, 2, 1, 2, 1]
    assert convolve(x, w, padding=1).flatten().tolist() == [2, -2, -1, -2, -1]  # this kernel is odd


@pytest.mark.parametrize(("image", "answer"), [(MOUSE_BACK, 6600.0), (MOUSE_HEAD, 0.0)])
def test_curve_detector_of_the_lecture(image: Tensor, answer: float) -> None:
    assert cross_correlate(image[None, None], CURVE[None, None]).item() == answer


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("mode", ["valid", "full"])
def test_both_operations_are_those_of_scipy(axes: int, mode: Any) -> None:
    random = np.random.default_rng(0)
    x, w = random.normal(size=(7, 6, 5)[:axes]), random.normal(size=(3, 2, 4)[:axes])
    x_, w_ = torch.from_numpy(x)[None, None], torch.from_numpy(w)[None, None]
    correlated = scipy.signal.correlate(x, w, mode, method="direct")
    convolved = scipy.signal.convolve(x, w, mode, method="direct")
    np.testing.assert_allclose(cross_correlate(x_, w_, padding=mode)[0, 0].numpy(), correlated, atol=1e-12)
    np.testing.assert_allclose(convolve(x_, w_, padding=mode)[0, 0].numpy(), convolved, atol=1e-12)


def test_convolution_commutes_and_cross_correlation_does_not() -> None:
    x, w = torch.randn(1, 1, 6, dtype=torch.float64), torch.randn(1, 1, 4, dtype=torch.float64)
    torch.testing.assert_close(convolve(x, w, padding="full"), convolve(w, x, padding="full"))
    there, back = cross_correlate(x, w, padding="full"), cross_correlate(w, x, padding="full")
    torch.testing.assert_close(there, back.flip(2))
    assert not torch.allclose(there, back)


@given(d=st.integers(1, 20), f=st.integers(1, 7), s=st.integers(1, 4), e=st.integers(1, 3))
def test_same_leaves_the_input_size_divided_by_the_stride(d: int, f: int, s: int, e: int) -> None:
    y = cross_correlate(torch.ones(1, 1, d), torch.ones(1, 1, f), stride=s, padding="same", dilation=e)
    assert y.shape[-1] == ceil(d / s)
    ((before, after),) = margins((d,), (f,), s, "same", e)
    assert after - before in (0, 1)


@pytest.mark.filterwarnings("ignore:.*even kernel")  # torch warns of the copy that such padding costs it
@pytest.mark.parametrize("f", [1, 2, 3, 4, 5])
def test_same_is_that_of_torch_at_stride_one(f: int) -> None:
    x, w = torch.randn(2, 3, 9, 8), torch.randn(4, 3, f, f)
    expected = functional.conv2d(x, w, padding="same")
    torch.testing.assert_close(cross_correlate(x, w, padding="same"), expected)


def test_same_with_stride_by_hand() -> None:
    x, w = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]]), torch.tensor([[[1.0, 10.0, 100.0]]])
    # ceil(4 / 2) = 2 windows need 5 positions: the one zero stands on the right, as in Keras.
    assert cross_correlate(x, w, stride=2, padding="same").flatten().tolist() == [321, 43]


def test_circular_padding_wraps_around() -> None:
    x, w = torch.arange(5.0)[None, None], torch.tensor([[[1.0, 0.0, 0.0]]])
    y = cross_correlate(x, w, padding="same", padding_mode="circular")
    assert y.flatten().tolist() == [4, 0, 1, 2, 3]


X, W = torch.zeros(1, 4, 5, 5), torch.zeros(6, 4, 3, 3)


@pytest.mark.parametrize(
    ("kind", "match", "arguments", "settings_"),
    [
        (ShapeError, "channels of x: expected 3", (X, W[:, :3]), {}),
        (ShapeError, "channels of x: expected 8 .2 groups of 4", (X, W), {"groups": 2}),
        (ConfigError, "groups: expected a divisor of the 6", (X, W), {"groups": 4}),
        (ShapeError, "kernel: expected at most the 5 positions", (X, W), {"dilation": 3}),
        (ShapeError, "x: expected .batch, channels, 2 axes", (X[0], W), {}),
        (ShapeError, "weight: expected .kernels", (X, torch.zeros(6, 4)), {}),
        (ShapeError, "bias: expected shape .6,", (X, W, torch.zeros(5)), {}),
        (ConfigError, "stride: expected an integer >= 1", (X, W), {"stride": 0}),
        (ConfigError, "padding: expected an integer >= 0", (X, W), {"padding": -1}),
        (ConfigError, "dilation: expected one number or 2", (X, W), {"dilation": (1, 1, 1)}),
        (ShapeError, "padding: expected at most 5", (X, W), {"padding": 6, "padding_mode": "circular"}),
    ],
)
def test_bad_input(kind: type[Exception], match: str, arguments: Any, settings_: dict[str, Any]) -> None:
    with pytest.raises(kind, match=match):
        cross_correlate(*arguments, **settings_)
