import itertools
import math

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.geometric.pair_potential import PairPotential, cutoff, radial_basis
from neurarium.nets.geometric.specs import PairPotentialSpec
from neurarium.record.schema import Field, Schema

BASIS, REACH = 6, 3.0
Inputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


@pytest.fixture
def net() -> PairPotential:
    torch.manual_seed(0)
    net = PairPotential(3, BASIS, REACH).double()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    return net


def molecules(sizes: tuple[int, ...] = (4, 1, 5)) -> Inputs:
    random = np.random.default_rng(0)
    species = torch.from_numpy(random.integers(0, 3, sum(sizes)))
    positions = torch.from_numpy(random.normal(size=(sum(sizes), 3)))
    starts = np.cumsum((0, *sizes))
    pairs = [pair for a, n in zip(starts, sizes, strict=False) for pair in itertools.combinations(range(a, a + n), 2)]
    return species, positions, torch.tensor(pairs).T, torch.tensor(sizes)


def energy_by_hand(net: PairPotential, species: np.ndarray, positions: np.ndarray) -> float:
    """Of one molecule, by loops over atoms, pairs and functions."""
    atom_energy, coefficients = net.atom_energy.detach().numpy(), net.coefficients.detach().numpy()
    total = float(atom_energy[species].sum())
    order = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    for i, j in itertools.combinations(range(len(species)), 2):
        r = math.dist(positions[i], positions[j])
        if r >= REACH:
            continue
        s = r / REACH
        smooth = 1 - 10 * s**3 + 15 * s**4 - 6 * s**5
        row = order.index(tuple(sorted((int(species[i]), int(species[j])))))
        for k in range(BASIS):
            mu, d = (k + 1) * REACH / BASIS, REACH / BASIS
            total += float(coefficients[row, k]) * smooth * math.exp(-((r - mu) ** 2) / (2 * d**2))
    return total


def test_equals_loops_over_the_pairs(net: PairPotential) -> None:
    species, positions, pairs, sizes = molecules()
    got = net(species, positions, pairs, sizes).tolist()
    each = zip(species.split(sizes.tolist()), positions.split(sizes.tolist()), strict=True)
    assert got == pytest.approx([energy_by_hand(net, z.numpy(), x.numpy()) for z, x in each], rel=1e-11)


def test_forces_are_the_slope_of_the_energy(net: PairPotential) -> None:
    species, positions, pairs, sizes = molecules((6,))
    moved = positions.clone().requires_grad_()
    (slope,) = torch.autograd.grad(net(species, moved, pairs, sizes).sum(), moved)
    step = 1e-6
    for atom, axis in itertools.product(range(6), range(3)):
        shifts = []
        for sign in (1, -1):
            other = positions.clone()
            other[atom, axis] += sign * step
            shifts.append(energy_by_hand(net, species.numpy(), other.numpy()))
        assert float(slope[atom, axis]) == pytest.approx((shifts[0] - shifts[1]) / (2 * step), abs=1e-7)
    assert slope.sum(0).abs().max() < 1e-12  # action and reaction


def test_forces_can_be_differentiated_again(net: PairPotential) -> None:
    species, positions, pairs, sizes = molecules((5,))
    positions.requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: net(species, x, pairs, sizes), (positions,))


def test_turning_moving_and_renaming_change_nothing(net: PairPotential) -> None:
    species, positions, pairs, sizes = molecules((7,))
    expected = net(species, positions, pairs, sizes)
    turn = torch.linalg.qr(torch.from_numpy(np.random.default_rng(1).normal(size=(3, 3)))).Q
    shift = torch.tensor([3.0, -1.0, 0.5], dtype=torch.float64)
    for moved in (positions @ turn, -positions, positions + shift):
        torch.testing.assert_close(net(species, moved, pairs, sizes), expected, rtol=1e-10, atol=1e-10)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net(species[order], positions[order], pairs, sizes), expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(net(species, positions, pairs.flip(0), sizes), expected, rtol=1e-10, atol=1e-10)


def test_a_batch_is_its_molecules_one_by_one(net: PairPotential) -> None:
    species, positions, pairs, sizes = molecules()
    got = net(species, positions, pairs, sizes)
    for k, start in enumerate((0, 4, 5)):
        mine = slice(start, start + int(sizes[k]))
        inside = (pairs[0] >= mine.start) & (pairs[0] < mine.stop)
        alone = net(species[mine], positions[mine], pairs[:, inside] - start, sizes[k : k + 1])
        torch.testing.assert_close(alone[0], got[k], rtol=1e-11, atol=1e-11)


def test_beyond_the_cutoff_nothing_is_seen_and_before_it_nothing_jumps(net: PairPotential) -> None:
    far = net(torch.tensor([0, 1]), torch.tensor([[0.0, 0, 0], [0, 0, 3.5]]).double(), *pair_of_two())
    torch.testing.assert_close(far[0], net.atom_energy[:2].sum())
    s = torch.tensor([0.999, 1.0, 1.001], dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(cutoff(s).sum(), s, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), s)
    assert cutoff(s).abs().max() < 1e-7
    assert first.abs().max() < 1e-4
    assert second.abs().max() < 0.1
    assert not radial_basis(torch.tensor([3.0, 9.0]), BASIS, REACH).any()


def test_atoms_at_one_point_count_nothing_and_spoil_nothing(net: PairPotential) -> None:
    species = torch.tensor([0, 1])
    positions = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    energy = net(species, positions, *pair_of_two())
    torch.testing.assert_close(energy[0], net.atom_energy[:2].sum())
    (slope,) = torch.autograd.grad(energy.sum(), positions)
    assert not slope.any()


def pair_of_two() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([[0], [1]]), torch.tensor([2])


def test_what_does_not_fit_is_refused(net: PairPotential) -> None:
    species, positions, pairs, sizes = molecules()
    for name, wrong in (
        ("species", (species[:, None], positions, pairs, sizes)),
        ("positions", (species, positions[:, :2], pairs, sizes)),
        ("pairs", (species, positions, pairs.T, sizes)),
        ("atoms_lengths", (species, positions, pairs, sizes[:, None])),
    ):
        with pytest.raises(ShapeError, match=rf"^{name}: expected shape"):
            net(*wrong)
    for spec, name in (
        ({"basis": 0}, "basis"),
        ({"cutoff_radius": 0.0}, "cutoff_radius"),
        ({"cutoff_radius": math.inf}, "cutoff_radius"),
    ):
        with pytest.raises(ConfigError, match=rf"net\.{name}"):
            PairPotentialSpec(**spec)
    schema = PairPotentialSpec.example()
    with pytest.raises(ShapeError, match=r"pair-potential input: expected species, positions and pairs"):
        PairPotentialSpec().build(Schema({"x": Field((5,))}, schema.targets))
    scaled = Field((None, 3), mean=(0.0,) * 3, std=(2.0,) * 3, axis="atoms")
    with pytest.raises(ShapeError, match=r"positions: expected in the units of the data, got standardized ones"):
        PairPotentialSpec().build(schema.with_fields(positions=scaled))
