import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.convolution import cross_correlate
from neurarium.nets.convolutional.toeplitz import toeplitz


@settings(max_examples=40, deadline=None)
@given(
    size=st.lists(st.integers(5, 7), min_size=1, max_size=3).map(tuple),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.one_of(st.integers(0, 2), st.sampled_from(["valid", "same", "full"])),
    dilation=st.integers(1, 2),
    groups=st.integers(1, 2),
    mode=st.sampled_from(["zeros", "circular"]),
)
def test_matrix_times_vector_is_the_direct_sum(size, kernel, stride, padding, dilation, groups, mode) -> None:
    generator = torch.Generator().manual_seed(kernel)
    x = torch.randn(1, 2 * groups, *size, dtype=torch.float64, generator=generator)
    w = torch.randn(2 * groups, 2, *(kernel,) * len(size), dtype=torch.float64, generator=generator)
    how = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "padding_mode": mode,
    }
    matrix = toeplitz(w, size, **how)
    y = cross_correlate(x, w, **how)
    torch.testing.assert_close(matrix @ x.flatten(), y.flatten(), rtol=1e-12, atol=1e-12)


def test_it_is_the_matrix_of_the_notes() -> None:
    # 004: H in R^{(n + m - 1) x n} of the full convolution, h_i on the i-th diagonal
    h, n = np.array([1.0, 2.0, 3.0]), 4
    expected = scipy.linalg.toeplitz([*h, 0, 0, 0], [h[0], 0, 0, 0])
    flipped = torch.from_numpy(h).flip(0)[None, None]
    np.testing.assert_array_equal(toeplitz(flipped, (n,), padding="full").to_dense().numpy(), expected)


def test_two_dimensions_are_doubly_block_toeplitz() -> None:
    matrix = toeplitz(torch.randn(1, 1, 3, 2), (5, 6)).to_dense()  # 3 x 5 blocks (output rows x input rows) of 5 x 6
    blocks = matrix.reshape(3, 5, 5, 6).transpose(1, 2)
    for i in range(3):
        for j in range(5):
            if i and j:
                assert torch.equal(blocks[i, j], blocks[i - 1, j - 1])
            assert torch.equal(blocks[i, j][1:, 1:], blocks[i, j][:-1, :-1])
            assert bool(blocks[i, j].any()) == (0 <= j - i < 3)


def test_stores_no_more_than_the_connections() -> None:
    matrix = toeplitz(torch.ones(1, 1, 3), (10,), padding=1)
    assert matrix.is_coalesced()
    assert matrix._nnz() == 10 * 3 - 2


def test_gradient_reaches_the_kernel() -> None:
    w = torch.randn(2, 1, 3, dtype=torch.float64, requires_grad=True)
    x = torch.randn(6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda w: toeplitz(w, (6,), padding="same") @ x, (w,))


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match="one an axis"):
        toeplitz(torch.ones(1, 1, 3), (5, 5))
    with pytest.raises(ConfigError, match="groups"):
        toeplitz(torch.ones(3, 1, 3), (5,), groups=2)
    with pytest.raises(ShapeError, match="kernel"):
        toeplitz(torch.ones(1, 1, 3), (2,))
