"""A forward/backward pair as a function that torch can differentiate, to be checked by finite differences."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

Pair = Callable[..., Any]


def as_function(forward: Pair, backward: Pair) -> Pair:
    """Wrap a pair; several outputs come as a tuple, and several error signals go back."""

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Tensor) -> Any:
            y, ctx.cache = forward(*inputs)
            return y

        @staticmethod
        def backward(ctx: Any, *deltas: Tensor) -> Any:
            return backward(*deltas, ctx.cache)

    return Wrapped.apply


@pytest.fixture
def gradcheck() -> Callable[..., None]:
    """Compare a backward with finite differences of its forward, in float64."""

    def check(forward: Pair, backward: Pair, *inputs: Tensor) -> None:
        wanted = [x.detach().double().requires_grad_() for x in inputs]
        assert torch.autograd.gradcheck(as_function(forward, backward), wanted)

    return check


@pytest.fixture
def draw() -> Callable[..., Tensor]:
    """Random float64 numbers of a shape, the same ones in every run."""
    generator = torch.Generator().manual_seed(5)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return normal
