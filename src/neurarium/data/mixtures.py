"""Points in the plane from a mixture of narrow Gaussians: a known density, on which a generator shows what it misses.

    p(x) = 1/K sum_k N(x; c_k, sigma^2 I)

| name | centers | sigma | examples |
|---|---|---|---|
| ring-of-8 | 8 on a circle of radius 2 | 0.02 | 8,000 |
| grid-of-25 | 5 x 5, 2 apart | 0.05 | 25,000 |

The class of a point is the component that it was drawn from.

Source: L. Metz, B. Poole, D. Pfau, J. Sohl-Dickstein, "Unrolled generative adversarial networks", 2017 (ring);
V. Dumoulin et al., "Adversarially learned inference", 2017 (grid).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurarium.checks import ConfigError
from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

# Fixed once for all: a score means something only while the data stay.
_SEED = 20261121
_EACH = 1000
_REACH = 3.0


@dataclass(frozen=True)
class Mixture:
    """K Gaussians of equal weight and of width sigma, `std`, in the units of their centers c_k."""

    centers: Float[Tensor, "modes 2"]
    std: float

    def draw(self, each: int, seed: int = _SEED) -> tuple[Float[Tensor, "points 2"], Int[Tensor, " points"]]:
        """Draw so many points of each component, in random order; the component of each beside them."""
        # RandomState, not Generator: its stream is frozen for good.
        random = np.random.RandomState(seed)
        modes = torch.from_numpy(random.permutation(np.repeat(np.arange(len(self.centers)), each)))
        noise = torch.from_numpy(random.standard_normal((len(modes), 2)))
        return self.centers.double()[modes] + self.std * noise, modes


def ring(modes: int = 8, radius: float = 2.0, std: float = 0.02) -> Mixture:
    """Centers at equal angles on a circle, the first on the first axis."""
    angles = 2 * torch.pi * torch.arange(modes, dtype=torch.float64) / modes
    return Mixture(radius * torch.stack([angles.cos(), angles.sin()], 1), std)


def grid(side: int = 5, apart: float = 2.0, std: float = 0.05) -> Mixture:
    """Centers on a square grid about the origin."""
    ticks = apart * (torch.arange(side, dtype=torch.float64) - (side - 1) / 2)
    return Mixture(torch.cartesian_prod(ticks, ticks), std)


MIXTURES: dict[str, Callable[[], Mixture]] = {"ring-of-8": ring, "grid-of-25": grid}
"""Mixtures by the name of the data set that is drawn from them."""


def load_ring(folder: str | None = None) -> Dataset:
    """Return 8,000 points of the ring of 8: 6,400 to learn from, 800 for validation, 800 for the test."""
    return _dataset("ring-of-8", ring())


def load_grid(folder: str | None = None) -> Dataset:
    """Return 25,000 points of the grid of 25: 20,000 to learn from, 2,500 for validation, 2,500 for the test."""
    return _dataset("grid-of-25", grid())


@dataclass(frozen=True)
class ModeScores:
    """How well points fit a mixture.

    Attributes:
        covered: fraction of the components that have points enough.
        good: fraction of the points within three standard deviations of a center; of the mixture itself 0.989.
        counts: good points of each component.
    """

    covered: float
    good: float
    counts: tuple[int, ...]


def mode_scores(points: Float[Tensor, "points 2"], mixture: Mixture, least: float = 0.1) -> ModeScores:
    """Compare points, in the units of the mixture, with its components; no points are a `ConfigError`.

    A point is good within 3 sigma of the nearest center, where a fraction 1 - exp(-9/2) of the mixture lies. A
    component is covered when at least `least`, in (0, 1], of the good points that are its due, points / K, are there.
    The literature asks for a single point.

    Example:
        >>> mode_scores(ring().centers[:6], ring()).covered
        0.75

    Source: A. Srivastava et al., "VEEGAN: reducing mode collapse in GANs using implicit variational learning", 2017.
    """
    if not 0 < least <= 1:
        raise ConfigError("least", expected="a number in (0, 1]", got=str(least))
    if len(points) == 0:
        raise ConfigError("points", expected="at least one", got="none")
    modes = len(mixture.centers)
    distance, nearest = torch.cdist(points.double(), mixture.centers.double()).min(1)
    good = distance <= _REACH * mixture.std
    counts = torch.bincount(nearest[good], minlength=modes)
    covered = counts >= max(1.0, least * len(points) / modes)
    return ModeScores(covered.double().mean().item(), good.double().mean().item(), tuple(counts.tolist()))


def _dataset(name: str, mixture: Mixture) -> Dataset:
    points, modes = mixture.draw(_EACH)
    components = tuple(f"mode {k}" for k in range(len(mixture.centers)))
    schema = Schema({"point": Field((2,))}, class_fields(components))
    provenance = f"drawn from {len(components)} Gaussians of standard deviation {mixture.std:g}, fixed seed"
    points_of = Table((points,), (modes,), schema)
    return assemble(name, {"train": points_of}, provenance=provenance, license="none needed")
