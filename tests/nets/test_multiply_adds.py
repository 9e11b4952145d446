from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from neurarium.nets.summary import summarize_batch


class Does(nn.Module):
    """One function of the input."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.forward = function  # type: ignore[method-assign]


def cost(function: Callable[[Tensor], Tensor]) -> int | None:
    """Of an input of four rows of three ones."""
    return summarize_batch(Does(function), (torch.ones(4, 3),)).multiply_adds


@torch.library.custom_op("neurarium_test::twice", mutates_args=())
def twice(x: Tensor) -> Tensor:
    return 2 * x


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.cdist(x, x),
        lambda x: torch.linalg.solve(x @ x.T + torch.eye(4), x),
        lambda x: torch.linalg.det(torch.eye(3)),
        lambda x: F.bilinear(x, x, torch.ones(2, 3, 3)),
        lambda x: torch.addbmm(torch.zeros(4, 4), x[None], x.T[None]),
        lambda x: torch.eye(4).to_sparse() @ x,
        lambda x: torch.eye(4).to_sparse_csr() @ x,
        lambda x: torch.ops.neurarium_test.twice(x),
    ],
)
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_what_nobody_counts_is_unknown(function: Callable[[Tensor], Tensor]) -> None:
    assert cost(function) is None


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: torch.einsum("ni,ij->nj", x, torch.ones(3, 2)), 4 * 3 * 2),
        (lambda x: torch.zeros(4, 4).addmm_(x, x.T), 4 * 3 * 4),
        (lambda x: torch.mv(x, torch.ones(3)), 4 * 3),
        (lambda x: torch.addmv(torch.ones(4), x, torch.ones(3)), 4 * 3),
        (lambda x: torch.dot(x[0], x[1]), 3),
        (lambda x: torch.zeros(2, 3).index_add(0, torch.tensor([0, 1, 1, 0]), x), 0),
        (lambda x: x.softmax(1).sort(1).values.cumsum(0), 0),
        (lambda x: torch.fft.rfft(x).abs(), 0),
    ],
)
def test_what_is_known_to_cost(function: Callable[[Tensor], Tensor], expected: int) -> None:
    assert cost(function) == expected


def test_in_inference_mode_it_costs_as_much() -> None:
    with torch.inference_mode():
        assert cost(lambda x: F.linear(x, torch.ones(2, 3)) @ torch.ones(2, 5)) == 4 * 3 * 2 + 4 * 2 * 5


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.Conv2d(4, 8, 3, 2, 1, 2, groups=2), (2, 4, 11, 13)),
        (nn.ConvTranspose2d(4, 3, 2), (2, 4, 11, 13)),
        (nn.Conv3d(2, 3, 2), (1, 2, 5, 5, 5)),
        (nn.TransformerEncoderLayer(12, 3, 20, batch_first=True), (2, 5, 12)),
    ],
)
def test_half_the_flops_of_torch(net: nn.Module, shape: tuple[int, ...]) -> None:
    # The counter knows attention on the CPU only as the products that it is made of.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        net.eval()(torch.zeros(shape))
    assert summarize_batch(net, (torch.zeros(shape),)).multiply_adds * 2 == counter.get_total_flops()
