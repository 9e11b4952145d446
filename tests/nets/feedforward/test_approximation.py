import itertools
import math

import numpy as np
import pytest
import torch
from scipy import integrate, optimize

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.feedforward.approximation import (
    Layer,
    barron_bound,
    gaussian_constant,
    most_regions,
    pieces,
    reachable_regions,
)


@pytest.mark.parametrize("spread", [0.5, 1.0, 3.0])
def test_constant_of_a_gaussian_by_quadrature(spread: float) -> None:
    """f^(w) = s / sqrt(2 pi) exp(-s^2 w^2 / 2), by f(x) = int exp(i w x) f^(w) dw."""

    def transform(w: float) -> float:
        return spread / math.sqrt(2 * math.pi) * math.exp(-((spread * w) ** 2) / 2)

    expected, _ = integrate.quad(lambda w: 2 * w * transform(w), 0, math.inf)
    assert gaussian_constant(1, spread) == pytest.approx(expected, rel=1e-8)
    value, _ = integrate.quad(lambda w: 2 * math.cos(0.7 * w) * transform(w), 0, math.inf)
    assert value == pytest.approx(math.exp(-(0.7**2) / (2 * spread**2)), rel=1e-8)


def test_constant_grows_as_the_root_of_the_dimension() -> None:
    norms = np.linalg.norm(np.random.default_rng(0).standard_normal((20_000, 30)), axis=1)
    assert gaussian_constant(30) == pytest.approx(norms.mean(), rel=0.01)
    assert gaussian_constant(4000) / gaussian_constant(1000) == pytest.approx(2, rel=1e-3)


def test_bound_by_hand() -> None:
    assert barron_bound(3.0, 0.5, 9) == 1.0


@pytest.mark.parametrize(("inputs", "units"), [(1, 4), (2, 4), (3, 4), (2, 1)])
def test_most_regions_by_linear_programmes(inputs: int, units: int) -> None:
    """Sign patterns of hyperplanes in general position that some point has."""
    random = np.random.default_rng(inputs)
    weight, bias = random.standard_normal((units, inputs)), random.standard_normal(units)
    count = 0
    for signs in itertools.product([-1.0, 1.0], repeat=units):
        rows = -np.array(signs)[:, None] * weight
        limits = np.array(signs) * bias
        slack = np.concatenate([rows, np.ones((units, 1))], axis=1)  # s (w.x + b) >= slack
        goal = np.zeros(inputs + 1)
        goal[-1] = -1
        found = optimize.linprog(goal, slack, limits, bounds=[(None, None)] * inputs + [(None, 1)])
        count += found.status == 0 and found.x[-1] > 1e-9
    assert most_regions(inputs, units) == count


def tents(layers: int) -> list[Layer]:
    """The tent map 1 - |2x - 1| again and again: 2 relu(x) - 4 relu(x - 1/2)."""
    first = (torch.ones(2, 1), torch.tensor([0.0, -0.5]))
    again = (torch.tensor([[2.0, -4.0], [2.0, -4.0]]), torch.tensor([0.0, -0.5]))
    return [first, *[again] * (layers - 1)]


@pytest.mark.parametrize("layers", [1, 3, 7])
def test_tent_maps_have_as_many_pieces_as_there_can_be_powers_of_two(layers: int) -> None:
    ends = pieces(tents(layers), torch.tensor([0.0]), torch.tensor([1.0]))
    np.testing.assert_allclose(ends, np.linspace(0, 1, 2**layers + 1), atol=1e-12)


def random_net(widths: list[int], seed: int) -> list[Layer]:
    generator = torch.Generator().manual_seed(seed)
    return [
        (torch.randn(b, a, generator=generator) / math.sqrt(a / 2), torch.randn(b, generator=generator))
        for a, b in itertools.pairwise(widths)
    ]


def test_bends_of_a_random_net_are_where_its_slope_changes() -> None:
    net = random_net([3, 8, 8, 8], seed=1)
    start, end = torch.tensor([-3.0, 1.0, 2.0]), torch.tensor([2.0, -2.0, -1.0])
    ends = pieces(net, start, end)
    assert (ends.diff() > 0).all()
    inside = ends[:-1, None] + ends.diff()[:, None] * torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)
    patterns = []
    h = start.double() + inside.flatten()[:, None] * (end - start).double()
    for weight, bias in net:
        a = h @ weight.double().T + bias.double()
        patterns.append(a > 0)
        h = a.relu()
    seen = torch.cat(patterns, 1).view(len(ends) - 1, 3, -1)
    assert (seen == seen[:, :1]).all()  # one pattern a piece
    assert (seen[1:, 0] != seen[:-1, 0]).any(1).all()  # another in the next


def test_a_random_net_has_far_fewer_pieces_than_the_best() -> None:
    net = random_net([1, 8, 8, 8, 8], seed=0)
    count = len(pieces(net, torch.tensor([-10.0]), torch.tensor([10.0]))) - 1
    assert 1 < count < reachable_regions(1, 8, 4) / 20


def test_bad_arguments() -> None:
    with pytest.raises(ConfigError, match="more than the 3 inputs"):
        reachable_regions(3, 3, 2)
    with pytest.raises(ConfigError, match="units"):
        barron_bound(1.0, 1.0, 0)
    with pytest.raises(ShapeError, match="layer 1"):
        pieces([*tents(1), (torch.ones(2, 3), torch.zeros(2))], torch.tensor([0.0]), torch.tensor([1.0]))
