from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.convolution import cross_correlate
from neurarium.nets.convolutional.fourier import convolution_by_best_path, fourier_cross_correlate
from neurarium.symmetry.shift import before_flattening, circular_shift_deviation, shift_deviation

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
DTYPES = st.sampled_from([torch.float32, torch.float64])


@st.composite
def stacks(draw: Any) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(draw(st.integers(1, 2))):
        kernel, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 2))
        layers += [
            nn.Conv2d(2, 2, kernel, draw(st.integers(1, 2)), draw(st.integers(0, 3)), dilation),
            draw(st.sampled_from([nn.ReLU(), nn.Tanh(), nn.MaxPool2d(2), nn.AvgPool2d(2, 1), nn.BatchNorm2d(2)])),
        ]
    return nn.Sequential(*layers)


@settings(max_examples=20, deadline=None)
@given(features=stacks(), dtype=DTYPES, steps=st.integers(1, 2))
def test_zero_padding_keeps_the_law_away_from_the_border(
    features: nn.Sequential, dtype: torch.dtype, steps: int
) -> None:
    x = torch.randn(2, 2, 130, 131, dtype=dtype)
    assert shift_deviation(features.to(dtype), x, steps) < TOLERANCE[dtype]


class Layer(nn.Module):
    """A function of the input and a kernel of its own."""

    def __init__(self, function: Callable[..., Tensor], *shape: int, **how: Any) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape, dtype=torch.float64))
        self.function, self.how = function, how

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self.weight, **self.how)


@settings(max_examples=20, deadline=None)
@given(
    axes=st.integers(1, 3),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    dtype=DTYPES,
)
def test_circular_padding_keeps_the_law_everywhere(
    axes: int, kernel: int, stride: int, dilation: int, dtype: torch.dtype
) -> None:
    ring = {"padding": "same", "padding_mode": "circular"}
    features = nn.Sequential(
        Layer(cross_correlate, 3, 2, *(kernel,) * axes, dilation=dilation, **ring),
        nn.ReLU(),
        Layer(cross_correlate, 2, 3, *(3,) * axes, stride=stride, **ring),
    ).to(dtype)
    x = torch.randn(2, 2, *(2 * 3 * stride,) * axes, dtype=dtype)
    assert circular_shift_deviation(features, x) < TOLERANCE[dtype]


def test_circular_padding_of_torch_keeps_the_law_too() -> None:
    layer = nn.Conv2d(2, 3, 5, padding=2, padding_mode="circular")
    assert circular_shift_deviation(layer, torch.randn(2, 2, 9, 10), steps=3) < 1e-5


def test_zero_padding_breaks_the_law_at_the_border() -> None:
    torch.manual_seed(0)
    assert circular_shift_deviation(nn.Conv2d(2, 3, 5, padding=2), torch.randn(2, 2, 9, 9)) > 0.1


class Place(nn.Module):
    """Weighs each position differently."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.arange(x.shape[-1])


def test_the_law_finds_what_depends_on_the_place() -> None:
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(1, 2, 3), Place())
    assert shift_deviation(features, torch.randn(1, 1, 12, 12)) > 0.01


def test_a_shift_by_less_than_the_stride_is_no_symmetry() -> None:
    torch.manual_seed(0)
    x, pool = torch.randn(1, 1, 16), nn.MaxPool1d(2)
    assert shift_deviation(pool, x) == 0.0
    assert not torch.allclose(pool(torch.roll(x, 1, 2))[..., 1:], pool(x)[..., :-1])


@pytest.mark.parametrize("function", [fourier_cross_correlate, convolution_by_best_path])
def test_the_fourier_path_keeps_the_law(function: Callable[..., Tensor]) -> None:
    x, w = torch.randn(2, 2, 40, dtype=torch.float64), torch.randn(3, 2, 9, dtype=torch.float64)
    y, moved = function(x, w), function(torch.roll(x, 7, 2), w)
    torch.testing.assert_close(moved[..., 7:], y[..., :-7], rtol=1e-10, atol=1e-10)


def test_features_are_what_comes_before_flattening() -> None:
    net = nn.Sequential(nn.Identity(), nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2)))
    assert list(before_flattening(net)) == [net[1][0]]
    with pytest.raises(ConfigError, match="Flatten"):
        before_flattening(nn.Linear(2, 2))


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match="larger images"):
        shift_deviation(nn.Conv2d(1, 1, 5, padding=2), torch.zeros(1, 1, 5, 5))
    with pytest.raises(ShapeError, match="convolutional part"):
        shift_deviation(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), torch.zeros(1, 1, 4, 4))
