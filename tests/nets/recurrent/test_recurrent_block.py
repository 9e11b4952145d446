"""Blocks and stacks of linear recurrences: their formula in NumPy, streaming over a long sequence."""

import numpy as np
import pytest
import torch
from scipy import stats

from neurarium.nets.recurrent.encoder import stepped
from neurarium.nets.recurrent.lru import LRU
from neurarium.nets.recurrent.min_gru import MinGRU
from neurarium.nets.recurrent.min_lstm import MinLSTM
from neurarium.nets.recurrent.recurrent_block import RecurrentBlock, RecurrentStack


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def affine(layer: torch.nn.Linear, x: np.ndarray) -> np.ndarray:
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def test_block_and_stack_in_numpy() -> None:
    torch.manual_seed(0)
    stack = RecurrentStack(3, 6, 1, lambda features: MinGRU(features, 4), dropout=0.5).double().eval()
    x = torch.randn(2, 5, 3, dtype=torch.float64)

    def normed(v: np.ndarray) -> np.ndarray:
        return (v - v.mean(-1, keepdims=True)) / np.sqrt(v.var(-1, keepdims=True) + 1e-5)

    (block,) = stack.blocks.layers
    y = affine(stack.input, x.numpy())
    h = block.recurrence(torch.from_numpy(normed(y))).detach().numpy()
    u = h * stats.norm.cdf(h)
    y = y + affine(block.output, u) * logistic(affine(block.gate, u))
    np.testing.assert_allclose(stack(x).detach().numpy(), normed(y), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("recurrence", [lambda n: MinGRU(n, 5), lambda n: MinLSTM(n, 5), lambda n: LRU(n, 5)])
def test_one_step_at_a_time_over_a_long_sequence(recurrence) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    stack = RecurrentStack(2, 4, 2, recurrence)
    x = torch.randn(1, 200, 2)
    with torch.no_grad():
        torch.testing.assert_close(stepped(stack, x), stack(x), rtol=1e-4, atol=1e-4)


def test_blocks_keep_the_width() -> None:
    block = RecurrentBlock(MinGRU(6, 9), 6)
    assert block.features == 6
    assert block(torch.randn(2, 3, 6)).shape == (2, 3, 6)
