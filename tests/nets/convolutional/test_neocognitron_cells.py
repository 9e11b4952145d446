import math

import numpy as np
import pytest
import torch
from scipy.signal import correlate

from neurarium.nets.convolutional.neocognitron_cells import (
    CLayer,
    SLayer,
    c_cells,
    contrast,
    gaussian,
    s_cells,
    winners,
)


def test_s_cells_by_hand() -> None:
    """One cell, all numbers round: e = 2*3 + 1*4 = 10, v = sqrt(9/2 + 16/2), h = 2 v."""
    u = torch.tensor([3.0, 4.0], dtype=torch.float64).reshape(1, 2, 1, 1)
    a = torch.tensor([2.0, 1.0], dtype=torch.float64).reshape(1, 2, 1, 1)
    half = torch.full((1, 1), 0.5, dtype=torch.float64)
    answer = s_cells(u, a, torch.tensor([2.0], dtype=torch.float64), half, selectivity=3.0)
    expected = 3.0 * (11 / (1 + 2 * 3 / 4 * 2 * math.sqrt(12.5)) - 1)
    assert answer.item() == pytest.approx(max(0.0, expected), rel=1e-12)
    weak = s_cells(u, a, torch.tensor([0.1], dtype=torch.float64), half, selectivity=3.0)
    assert weak.item() == pytest.approx(3.0 * (11 / (1 + 1.5 * 0.1 * math.sqrt(12.5)) - 1), rel=1e-12)


def test_s_cells_in_numpy() -> None:
    draw = np.random.default_rng(0)
    u, a, b = draw.uniform(size=(2, 6, 7)), draw.uniform(size=(4, 2, 3, 3)), draw.uniform(size=4)
    c = draw.uniform(size=(3, 3))
    v = np.sqrt(sum(correlate(plane**2, c, mode="same") for plane in u))
    expected = []
    for kernels, inhibition in zip(a, b, strict=True):
        e = sum(correlate(plane, kernel, mode="same") for plane, kernel in zip(u, kernels, strict=True))
        expected.append(1.5 * np.maximum(0, (1 + e) / (1 + 3 / 2.5 * inhibition * v) - 1))
    answers = s_cells(*(torch.from_numpy(x) for x in (u[None], a, b, c)), selectivity=1.5)
    torch.testing.assert_close(answers[0], torch.from_numpy(np.stack(expected)))


@pytest.mark.parametrize("selectivity", [0.5, 1.5, 4.0])
def test_a_taught_cell_measures_similarity(selectivity: float) -> None:
    """After much teaching the answer is relu(s - t) / (1 - t), s the weighted cosine, t = r / (1 + r)."""
    generator = torch.Generator().manual_seed(0)
    layer = SLayer(3, 1, 5, selectivity).double()
    taught = torch.rand(3, 5, 5, generator=generator, dtype=torch.float64)
    layer.reinforce_(taught, torch.tensor([[0, 2, 2]]), q=1e9)
    shown = [taught, 0.2 * taught, *(taught + k * torch.rand(3, 5, 5, generator=generator) for k in (0.5, 1, 2, 9))]
    weights = np.broadcast_to(layer.surroundings.numpy(), (3, 5, 5))
    threshold = selectivity / (1 + selectivity)
    for u in shown:
        x, f = u.numpy(), taught.numpy()
        s = (weights * x * f).sum() / np.sqrt((weights * x * x).sum() * (weights * f * f).sum())
        answer = layer(u[None])[0, 0, 2, 2].item()
        assert answer == pytest.approx(max(0, s - threshold) / (1 - threshold), abs=1e-6)


def test_reinforcement_by_hand() -> None:
    layer = SLayer(1, 2, 3, 1.0).double()
    u = torch.arange(12, dtype=torch.float64).reshape(1, 3, 4)
    layer.reinforce_(u, torch.tensor([[1, 0, 3]]), q=2.0)
    seen = np.array([[0, 0, 0], [2, 3, 0], [6, 7, 0]])  # around the upper right corner, zeros outside
    c = layer.surroundings.numpy()
    np.testing.assert_allclose(layer.weight[1, 0], 2 * c * seen)
    assert layer.inhibition.tolist() == pytest.approx([0, math.sqrt((c * seen**2).sum())])
    assert not layer.weight[0].any()


def test_c_cells_in_numpy() -> None:
    u, d = np.random.default_rng(0).uniform(size=(3, 7, 6)), gaussian(5, 1.25)
    e = np.stack([correlate(plane, d.numpy(), mode="same")[::2, ::2] for plane in u])
    z = np.maximum(0, (1 + e) / (1 + e.mean(0)) - 1)
    answers = c_cells(torch.from_numpy(u[None]), d, stride=2, alpha=0.5)
    torch.testing.assert_close(answers[0], torch.from_numpy(z / (0.5 + z)))


def test_c_cells_forgive_a_shift() -> None:
    """Of two points a step apart C-cells answer more alike than S-cells, whose answers have nothing in common."""
    u = torch.zeros(2, 4, 16, 16)
    u[0, 0, 8, 8] = u[1, 0, 8, 9] = 1.0
    here, there = CLayer()(u).flatten(1)
    assert torch.dot(here, there) / here.norm() / there.norm() > 0.7
    assert torch.dot(*u.flatten(1)) == 0


def test_contrast_sees_no_plain_light_and_takes_colors_together() -> None:
    x = torch.randn(2, 3, 12, 9, dtype=torch.float64)
    torch.testing.assert_close(contrast(x + 5), contrast(x), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(contrast(x), contrast(x.mean(1, keepdim=True)))
    assert contrast(torch.full((1, 1, 9, 9), 3.0, dtype=torch.float64)).abs().max() < 1e-12
    lighter, darker = contrast(x).unbind(1)
    torch.testing.assert_close(contrast(-x)[:, 0], darker)
    assert not (lighter * darker).any()


def test_winners_of_tiles_and_planes() -> None:
    u = torch.zeros(3, 4, 4)
    u[0, 0, 0], u[1, 1, 1] = 2.0, 3.0  # same tile: plane 1 wins it
    u[1, 0, 3] = 1.0  # plane 1 again: it has its representative
    u[2, 3, 0], u[2, 2, 2] = 0.5, 0.7  # two tiles of one plane: the stronger
    assert winners(u, tile=2).tolist() == [[1, 1, 1], [2, 2, 2]]
    assert winners(torch.zeros(3, 4, 4), tile=2).shape == (0, 3)
    assert winners(u[:, :3, :3], tile=2).tolist() == [[1, 1, 1], [2, 2, 2]]  # tiles cut off at the edge
