import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.nets.recurrent.compact_fsmn import CompactFSMNLayer
from neurarium.nets.recurrent.fsmn import MemoryBlock

from .test_fsmn import summed, taps_of


@pytest.mark.parametrize(("inputs", "skip"), [(3, False), (3, True), (2, True)])
def test_a_layer_joins_projection_memory_and_what_came_in(inputs: int, skip: bool) -> None:
    """In NumPy; from a layer of another width nothing is added."""
    layer = CompactFSMNLayer(inputs, 5, MemoryBlock(3, 2, 1, 2), skip, "tanh").double()
    x = torch.randn(1, 8, inputs, dtype=torch.float64)
    U, b, V, c = (p.detach().numpy() for p in [*layer.linear.parameters(), *layer.projection.parameters()])
    p = np.tanh(x[0].numpy() @ U.T + b) @ V.T + c
    q = p + summed(p, *taps_of(layer.memory), 2, 1)
    np.testing.assert_allclose(layer(x)[0].detach().numpy(), q + x[0].numpy() if skip and inputs == 3 else q)


def test_memories_of_many_layers_are_joined() -> None:
    """With projections that say nothing, what came into the first of the layers comes out of the last."""
    layers = [CompactFSMNLayer(3, 5, MemoryBlock(3, 2), skip=True) for _ in range(10)]
    for layer in layers:
        torch.nn.init.zeros_(layer.projection.weight)
    x = y = torch.randn(2, 6, 3)
    for layer in layers:
        y = layer(y)
    assert torch.equal(x, y)


def test_no_step_by_step_ahead() -> None:
    with pytest.raises(ConfigError, match="look_ahead"):
        CompactFSMNLayer(2, 3, MemoryBlock(2, 1, 1)).start(1, torch.zeros(1))
