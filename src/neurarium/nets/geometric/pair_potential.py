"""Pair potential: the energy of a molecule as a sum over its atoms and over its pairs of atoms.

    E = sum_i e_(Z_i) + sum_(i<j) f_(Z_i Z_j)(|x_i - x_j|)
    f_(ZZ')(r) = u(r / r_c) sum_k c_(ZZ'k) exp(-(r - mu_k)^2 / 2 d^2),    mu_k = k d, d = r_c / K, k = 1 ... K
    u(s) = 1 - 10 s^3 + 15 s^4 - 6 s^5 for s < 1, else 0

Z are the species; ZZ' is a pair without order. Linear in what is learned, e and c. Turning, moving or mirroring the
molecule and renaming its atoms changes nothing. u and its first two derivatives vanish at r_c: forces are smooth. A
pair of an atom with itself, or of two atoms at one point, has no direction and counts nothing.

Source: J. Lennard-Jones, "On the determination of molecular fields", 1924, for the sum over pairs; J. Behler, M.
Parrinello, "Generalized neural-network representation of high-dimensional potential-energy surfaces", 2007, for
Gaussians of the distance under a smooth cutoff.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.geometric.graph import graph_sum
from neurarium.nets.parts.places import check_places

_AXES = 3


def cutoff(s: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """u above: from 1 at 0 to 0 at 1 and beyond, twice differentiable for s > 0."""
    s = s.clamp(max=1)
    return 1 + s**3 * (-10 + s * (15 - 6 * s))


def radial_basis(r: Float[Tensor, "pairs"], size: int, cutoff_radius: float) -> Float[Tensor, "pairs size"]:
    """K = `size` Gaussians of the distance under the cutoff, which is 0 from r_c = `cutoff_radius` on."""
    step = cutoff_radius / size
    centers = step * torch.arange(1, size + 1, dtype=r.dtype, device=r.device)
    return cutoff(r / cutoff_radius)[:, None] * torch.exp(-0.5 * ((r[:, None] - centers) / step).square())


def species_pairs(species: int) -> Int[Tensor, "species species"]:
    """A number for each unordered pair of species.

    Example:
        >>> species_pairs(3)
        tensor([[0, 1, 2],
                [1, 3, 4],
                [2, 4, 5]])
    """
    table = torch.zeros(species, species, dtype=torch.int64)
    rows, columns = torch.triu_indices(species, species)
    table[rows, columns] = table[columns, rows] = torch.arange(len(rows))
    return table


class PairPotential(nn.Module):
    """The potential above, K = `basis` and r_c = `cutoff_radius`, in the units of the positions."""

    pair_of: Tensor

    def __init__(self, species: int, basis: int, cutoff_radius: float) -> None:
        super().__init__()
        self.basis, self.cutoff_radius = basis, cutoff_radius
        self.register_buffer("pair_of", species_pairs(species), persistent=False)
        self.atom_energy = nn.Parameter(torch.zeros(species))
        self.coefficients = nn.Parameter(0.01 * torch.randn(species * (species + 1) // 2, basis))

    def forward(
        self,
        species: Int[Tensor, "..."],
        positions: Float[Tensor, "..."],
        pairs: Int[Tensor, "..."],
        atoms_lengths: Int[Tensor, "..."],
    ) -> Float[Tensor, "batch"]:
        """Energy of each molecule of a batch, in the units of the targets.

        Args:
            species, positions: (atoms,) and (atoms, 3) of all molecules, one after the other.
            pairs: (2, pairs), each once, numbered over all atoms.
            atoms_lengths: (batch,) atoms of each molecule.
        Raises ShapeError: other dimensions, or a species or an atom that is not there.
        """
        _check(species, positions, pairs, atoms_lengths)
        check_places(species, len(self.atom_energy), "species", "species")
        check_places(pairs, len(species), "pairs", "atoms")
        i, j = pairs
        squares = (positions[i] - positions[j]).square().sum(1)
        apart = squares > 0
        # the root of 0 has no derivative: such a pair gets another distance, and counts nothing
        r = squares.where(apart, 1.0).sqrt()
        own = self.coefficients[self.pair_of[species[i], species[j]]]
        shared = (radial_basis(r, self.basis, self.cutoff_radius) * own).sum(1).where(apart, 0.0)
        each = self.atom_energy[species].index_add(0, i, shared)
        return graph_sum(each[:, None], atoms_lengths)[:, 0]


def _check(species: Tensor, positions: Tensor, pairs: Tensor, atoms_lengths: Tensor) -> None:
    count = len(species)
    wanted = {
        "species": (species, species.ndim == 1, "(atoms,)"),
        "positions": (positions, positions.shape == (count, _AXES), f"({count}, {_AXES}), a row an atom"),
        "pairs": (pairs, pairs.ndim == 2 and len(pairs) == 2, "(2, pairs)"),
        "atoms_lengths": (atoms_lengths, atoms_lengths.ndim == 1, "(molecules,)"),
    }
    for name, (tensor, fits, expected) in wanted.items():
        if not fits:
            raise ShapeError(name, expected=f"shape {expected}", got=f"shape {tuple(tensor.shape)}")
