from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.convolution import cross_correlate
from neurarium.nets.convolutional.fourier import (
    convolution_by_best_path,
    fast_length,
    fourier_cross_correlate,
    fourier_is_faster,
)


@settings(max_examples=40, deadline=None)
@given(
    size=st.lists(st.integers(5, 11), min_size=1, max_size=3).map(tuple),
    kernel=st.integers(1, 5),
    padding=st.one_of(st.integers(0, 4), st.sampled_from(["valid", "same", "full"])),
    batch=st.integers(1, 3),
    channels=st.integers(1, 3),
    kernels=st.integers(1, 3),
    mode=st.sampled_from(["zeros", "circular"]),
)
def test_equals_the_direct_sum(
    size: tuple[int, ...], kernel: int, padding: Any, batch: int, channels: int, kernels: int, mode: Any
) -> None:
    generator = torch.Generator().manual_seed(kernel)
    x = torch.randn(batch, channels, *size, dtype=torch.float64, generator=generator)
    w = torch.randn(kernels, channels, *(kernel,) * len(size), dtype=torch.float64, generator=generator)
    b = torch.randn(kernels, dtype=torch.float64, generator=generator)
    direct = cross_correlate(x, w, b, padding=padding, padding_mode=mode)
    fourier = fourier_cross_correlate(x, w, b, padding=padding, padding_mode=mode)
    torch.testing.assert_close(fourier, direct, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_a_long_kernel_equals_scipy(mode: Any) -> None:
    random = np.random.default_rng(0)
    x, w = random.normal(size=2000), random.normal(size=401)
    y = fourier_cross_correlate(torch.from_numpy(x)[None, None], torch.from_numpy(w)[None, None], padding=mode)
    np.testing.assert_allclose(y[0, 0].numpy(), scipy.signal.correlate(x, w, mode, "direct"), atol=1e-10)


def test_float32_keeps_its_precision() -> None:
    x, w = torch.randn(2, 3, 500), torch.randn(4, 3, 200)
    exact = cross_correlate(x.double(), w.double())
    error = (fourier_cross_correlate(x, w) - exact).abs().max() / exact.abs().max()
    assert error < 1e-5


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_gradients(axes: int, padding: Any) -> None:
    inputs = [
        torch.randn(2, 2, *(4,) * axes, dtype=torch.float64, requires_grad=True),
        torch.randn(1, 2, *(2,) * axes, dtype=torch.float64, requires_grad=True),
        torch.randn(1, dtype=torch.float64, requires_grad=True),
    ]
    assert torch.autograd.gradcheck(lambda x, w, b: fourier_cross_correlate(x, w, b, padding=padding), inputs)


@pytest.mark.parametrize(("length", "kernel", "transforms"), [(64, 3, False), (8192, 2047, True)])
def test_best_path_takes_the_one_it_should(length: int, kernel: int, transforms: bool) -> None:
    x = torch.randn(1, 1, length, dtype=torch.float64, requires_grad=True)
    w = torch.randn(1, 1, kernel, dtype=torch.float64)
    y = convolution_by_best_path(x, w, padding="same")
    with FlopCounterMode(display=False) as counter:
        convolution_by_best_path(x, w, padding="same")
    assert (torch.ops.aten.convolution in counter.get_flop_counts().get("Global", {})) != transforms
    torch.testing.assert_close(y, cross_correlate(x, w, padding="same"), rtol=1e-10, atol=1e-10)


def test_the_choice_follows_the_printed_formula() -> None:
    # B = 2, C = 3, K = 4, L = 128: the Fourier side is 8 . 26 . 128 . 15 + 16 . 24 . 128 = 448,512. The direct side
    # is 24 . 2 n f = 48 (129 - f) f, at most 199,680; in float64 192 (129 - f) f: 435,456 for f = 21, 451,968 for 22.
    assert not any(fourier_is_faster(2, 3, 4, (128,), (f,)) for f in range(1, 129))
    assert not fourier_is_faster(2, 3, 4, (128,), (21,), torch.float64)
    assert fourier_is_faster(2, 3, 4, (128,), (22,), torch.float64)
    # B = C = K = 1, L = 4096: 8 . 3 . 4096 . 20 + 16 . 4096 = 2,031,616 against 8 (4097 - f) f: 2,001,360 for f = 62,
    # 2,033,136 for f = 63.
    assert not fourier_is_faster(1, 1, 1, (4096,), (62,))
    assert fourier_is_faster(1, 1, 1, (4096,), (63,))


@given(n=st.integers(1, 3000))
def test_fast_length_is_that_of_scipy(n: int) -> None:
    assert fast_length(n) == scipy.fft.next_fast_len(n, real=True)  # 5-smooth, as for its real transforms


def test_half_precision_goes_the_direct_way() -> None:
    x, w = torch.ones(1, 1, 9000, dtype=torch.bfloat16), torch.ones(1, 1, 2000, dtype=torch.bfloat16)
    assert convolution_by_best_path(x, w).dtype == torch.bfloat16
    with pytest.raises(ConfigError, match="use cross_correlate"):
        fourier_cross_correlate(x, w)


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match="channels of x"):
        fourier_cross_correlate(torch.zeros(1, 2, 9), torch.zeros(1, 3, 3))
    with pytest.raises(ShapeError, match="kernel"):
        convolution_by_best_path(torch.zeros(1, 2, 2), torch.zeros(1, 2, 3))
