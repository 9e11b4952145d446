from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from neurarium.checks import ConfigError
from neurarium.nets.recurrent.delay_specs import FSMNSpec
from neurarium.nets.recurrent.encoder import CausalEncoder, stepped
from neurarium.nets.recurrent.fsmn import FSMNLayer, MemoryBlock, memory

KINDS = ("scalar", "vectorized", "compact", "deep")
TAPS = [(3, 0, 1, 1), (3, 2, 1, 1), (2, 2, 3, 2), (0, 0, 1, 1), (0, 1, 1, 4), (4, 1, 2, 5)]  # N1, N2, s1, s2


def summed(h: np.ndarray, a: np.ndarray, c: np.ndarray, s1: int, s2: int) -> np.ndarray:
    """m, tap by tap and step by step."""
    m = np.zeros_like(h)
    for t in range(len(h)):
        for i in range(len(a)):
            if t - s1 * i >= 0:
                m[t] += a[i] * h[t - s1 * i]
        for j in range(1, len(c) + 1):
            if t + s2 * j < len(h):
                m[t] += c[j - 1] * h[t + s2 * j]
    return m


def taps_of(block: MemoryBlock) -> tuple[np.ndarray, np.ndarray]:
    ahead = np.zeros((0, 1)) if block.taps_ahead is None else block.taps_ahead.detach().numpy()
    return block.taps_back.detach().numpy(), ahead


@pytest.mark.parametrize(("back", "ahead", "s1", "s2"), TAPS)
@pytest.mark.parametrize("scalar", [True, False])
def test_memory_is_the_sum_over_its_taps(scalar: bool, back: int, ahead: int, s1: int, s2: int) -> None:
    block = MemoryBlock(3, back, ahead, s1, s2, scalar).double()
    h = torch.randn(2, 12, 3, dtype=torch.float64)
    found = block(h, torch.tensor([12, 7])).detach().numpy()
    for row, length in ((0, 12), (1, 7)):  # what stands behind a row's end counts as nothing
        np.testing.assert_allclose(found[row, :length], summed(h[row, :length].numpy(), *taps_of(block), s1, s2))
    width = 1 if scalar else 3
    assert sum(p.numel() for p in block.parameters()) == (back + 1 + ahead) * width


def test_finite_differences() -> None:
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, requires_grad=True)  # noqa: E731
    assert torch.autograd.gradcheck(lambda *args: memory(*args, 2, 1), (draw(1, 9, 2), draw(3, 2), draw(2, 2)))


def test_a_layer_reads_units_and_memories_below() -> None:
    """W h + V m + b is one affine map of both side by side."""
    lower, upper = (FSMNLayer(inputs, MemoryBlock(4, 2), "tanh").double() for inputs in (3, 8))
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    h = torch.tanh(F.linear(x, lower.linear.weight, lower.linear.bias))
    W, V = upper.linear.weight.split(4, 1)
    above = torch.tanh(h @ W.t() + lower.memory(h) @ V.t() + upper.linear.bias)
    torch.testing.assert_close(upper(lower(x)), torch.cat([above, upper.memory(above)], 2))


@pytest.mark.parametrize(
    ("kind", "weights"),
    [
        ("scalar", (12 + 1) * 64 + 13 + (2 * 64 + 1) * 64 + 13 + (2 * 64 + 1) * 9),
        ("vectorized", (12 + 1) * 64 + 13 * 64 + (2 * 64 + 1) * 64 + 13 * 64 + (2 * 64 + 1) * 9),
        ("compact", (12 + 1) * 64 + (64 + 1) * 16 + 13 * 16 + (16 + 1) * 64 + (64 + 1) * 16 + 13 * 16 + (16 + 1) * 9),
        ("deep", (12 + 1) * 64 + (64 + 1) * 16 + 13 * 16 + (16 + 1) * 64 + (64 + 1) * 16 + 13 * 16 + (16 + 1) * 9),
    ],
)
def test_weights_are_those_of_the_papers_forms(kind, weights: int) -> None:
    spec = FSMNSpec(memory=kind, hidden=64, layers=2, projection=16, look_back=8, look_ahead=4)
    assert sum(p.numel() for p in spec.build(FSMNSpec.example()).parameters()) == weights


@pytest.mark.parametrize("kind", KINDS)
def test_step_by_step_is_at_once_and_costs_the_same_always(kind) -> None:
    net = FSMNSpec(memory=kind, hidden=6, projection=4, look_back=3, back_stride=2, layers=3).encoder(2).double()
    x, width = torch.randn(3, 20, 2, dtype=torch.float64), 4 if kind in ("compact", "deep") else 6
    assert isinstance(net, CausalEncoder)
    torch.testing.assert_close(stepped(net, x), net(x), rtol=0, atol=1e-12)
    state = net.start(3, x)
    for x_t in x.unbind(1):
        _, state = net.step(x_t, state)
        assert [line.shape for (line,) in state] == [(3, 6, width)] * 3


@pytest.mark.parametrize("ahead", [0, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing_and_the_receptive_field_is_that_of_the_taps(kind, ahead: int) -> None:
    spec = FSMNSpec(memory=kind, hidden=5, projection=3, look_back=2, look_ahead=ahead, back_stride=2, ahead_stride=3)
    net = replace(spec, activation="tanh", pooling="mean").build(FSMNSpec.example()).double()
    lengths, x = torch.tensor([25, 3, 1]), torch.randn(3, 25, 12, dtype=torch.float64, requires_grad=True)
    answers = net(x, lengths)
    for k, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(answers[k], net(x[k : k + 1, :length])[0], rtol=0, atol=1e-12)
    (gradient,) = torch.autograd.grad(answers.square().sum(), x)
    assert gradient[1, 3:].eq(0).all()
    (gradient,) = torch.autograd.grad(net.encoder(x)[0, 12].sum(), x)
    reach = {2 * i for i in range(-4, 1)}
    if ahead:  # two layers: every sum of two taps
        taps = [-4, -2, 0, 3, 6]
        reach = {first + second for first in taps for second in taps}
    assert set((gradient[0].abs().sum(1).nonzero().flatten() - 12).tolist()) == reach


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"look_back": -1}, r"net\.look_back"),
        ({"look_ahead": -1}, r"net\.look_ahead"),
        ({"layers": 0}, r"net\.layers"),
        ({"back_stride": 0}, r"net\.back_stride"),
    ],
)
def test_bad_settings(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        replace(FSMNSpec(), **changes)


def test_bad_blocks() -> None:
    spec = FSMNSpec()
    object.__setattr__(spec, "memory", "large")  # as the type checker of the tests lets nobody say it
    with pytest.raises(ConfigError, match=r"net\.memory: expected scalar, vectorized, compact, deep"):
        spec.__post_init__()
    with pytest.raises(ConfigError, match="stride"):
        MemoryBlock(2, 1, back_stride=0)
    with pytest.raises(ConfigError, match="look_ahead"):
        FSMNLayer(2, MemoryBlock(2, 1, 1)).start(1, torch.zeros(1))
