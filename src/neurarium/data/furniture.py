"""Tables, chairs and lamps as sets of points on their surfaces: which part is each point on?

    table   a top on four legs          chair   a seat on four legs, and a back          lamp   a base, a pole, a shade

All are made of boxes and cones at random sizes, turned about the vertical axis and scaled. The flat part of a table and
of a chair look alike from close by: whether it is a top or a seat only the whole can tell.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from neurarium.data.assemble import Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.ragged import Ragged
from neurarium.record.schema import Field, Schema

PARTS = ("leg", "top", "seat", "back", "base", "pole", "shade")
# Fixed once for all: which pieces there are.
_SEED = 20261127
_COUNTS = {"train": 300, "validation": 50, "test": 50}
_FEWEST, _MOST = 100, 200

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """A box with sides along the axes, from one corner to the opposite one."""

    part: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]

    @property
    def area(self) -> float:
        """Of its surface."""
        return float(2 * self._faces().sum())

    def points(self, random: np.random.RandomState, count: int) -> Points:
        """Points of its surface, uniform."""
        low, high = np.array(self.low), np.array(self.high)
        found = low + (high - low) * random.random_sample((count, 3))
        faces = self._faces()
        axis = random.choice(3, size=count, p=faces / faces.sum())
        found[np.arange(count), axis] = np.where(random.random_sample(count) < 0.5, low[axis], high[axis])
        return found

    def _faces(self) -> Points:
        """Area of a face across each axis."""
        sides = np.array(self.high) - np.array(self.low)
        return np.asarray(sides.prod() / sides)


@dataclass(frozen=True)
class Cone:
    """The side of an upright cone that is cut off, about the vertical axis; of equal radii a cylinder."""

    part: str
    low: float
    high: float
    radius_low: float
    radius_high: float

    @property
    def area(self) -> float:
        """Of the side, without the ends."""
        slant = np.hypot(self.high - self.low, self.radius_high - self.radius_low)
        return float(np.pi * (self.radius_low + self.radius_high) * slant)

    def points(self, random: np.random.RandomState, count: int) -> Points:
        """Points of the side, uniform: the radius r has a density proportional to r."""
        a, b = self.radius_low, self.radius_high
        fraction = random.random_sample(count)
        at = fraction if a == b else (np.sqrt(a**2 + fraction * (b**2 - a**2)) - a) / (b - a)
        radius, angle = a + at * (b - a), 2 * np.pi * random.random_sample(count)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle), self.low + at * (self.high - self.low)], 1)


Shape = list[Box | Cone]


def table(random: np.random.RandomState) -> Shape:
    """A top on four legs, in meters."""
    width, depth = random.uniform(0.8, 1.4), random.uniform(0.6, 1.0)
    height, thick = random.uniform(0.6, 0.8), random.uniform(0.03, 0.06)
    legs = _legs(width, depth, height, random.uniform(0.05, 0.09))
    return [Box("top", (-width / 2, -depth / 2, height), (width / 2, depth / 2, height + thick)), *legs]


def chair(random: np.random.RandomState) -> Shape:
    """A seat on four legs with a back, in meters."""
    width, depth = random.uniform(0.4, 0.55), random.uniform(0.4, 0.55)
    height, thick = random.uniform(0.4, 0.5), random.uniform(0.03, 0.06)
    back, tall = random.uniform(0.03, 0.05), random.uniform(0.35, 0.6)
    seat_top = height + thick
    return [
        Box("seat", (-width / 2, -depth / 2, height), (width / 2, depth / 2, seat_top)),
        Box("back", (-width / 2, depth / 2 - back, seat_top), (width / 2, depth / 2, seat_top + tall)),
        *_legs(width, depth, height, random.uniform(0.03, 0.05)),
    ]


def lamp(random: np.random.RandomState) -> Shape:
    """A base, a pole and a shade, in meters."""
    pole, height, foot = random.uniform(0.015, 0.03), random.uniform(0.9, 1.4), random.uniform(0.04, 0.08)
    below, above, tall = random.uniform(0.2, 0.3), random.uniform(0.1, 0.18), random.uniform(0.2, 0.3)
    return [
        Cone("base", 0.0, foot, random.uniform(0.14, 0.22), pole),
        Cone("pole", foot, height, pole, pole),
        Cone("shade", height - tall / 2, height + tall / 2, below, above),
    ]


KINDS: tuple[Callable[[np.random.RandomState], Shape], ...] = (table, chair, lamp)


def load(folder: str | None = None) -> Dataset:
    """Return 300 pieces of furniture to learn from, 50 for validation, 50 for the test, 100 to 200 points each."""
    random = np.random.RandomState(_SEED)
    train, validation, test = (_drawn(random, count) for count in _COUNTS.values())
    parts: Parts = {"train": train, "validation": validation, "test": test}
    provenance = "points on tables, chairs and lamps of boxes and cones, made by code, fixed seed"
    # not standardized: one unit in all directions, else turning would change shapes
    return assemble("furniture", parts, provenance=provenance, license="none needed", standardize=False)


def sampled(random: np.random.RandomState, shape: Shape, count: int) -> tuple[Points, npt.NDArray[np.int64]]:
    """Points on a shape, uniform over its surface, in no order, with the number of the part that each is on."""
    areas = np.array([piece.area for piece in shape])
    each = random.multinomial(count, areas / areas.sum()).tolist()
    points = np.concatenate([piece.points(random, n) for piece, n in zip(shape, each, strict=True)])
    parts = np.repeat([PARTS.index(piece.part) for piece in shape], each)
    order = random.permutation(count)
    return points[order], parts[order]


def _drawn(random: np.random.RandomState, count: int) -> Ragged:
    """Pieces of furniture, one kind after the other, each turned, scaled and moved to the mean of its points."""
    schema = Schema(
        {"points": Field((None, 3), names=("x", "y", "z"), axis="points")},
        {"part": Field((None,), categories=PARTS, axis="points")},
    )
    columns: dict[str, list[torch.Tensor]] = {"points": [], "part": []}
    lengths = random.randint(_FEWEST, _MOST + 1, size=count)
    for k, length in enumerate(lengths.tolist()):
        points, parts = sampled(random, KINDS[k % len(KINDS)](random), length)
        angle, size = 2 * np.pi * random.random_sample(), random.uniform(0.8, 1.25)
        turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        columns["points"].append(torch.from_numpy(size * (points - points.mean(0)) @ turn).float())
        columns["part"].append(torch.from_numpy(parts))
    joined = {name: torch.cat(column) for name, column in columns.items()}
    return Ragged(joined, {"points": torch.from_numpy(lengths)}, schema)


def _legs(width: float, depth: float, height: float, side: float) -> Shape:
    """Four legs at the corners of what stands on them."""
    return [
        Box("leg", (x, y, 0.0), (x + side, y + side, height))
        for x in (-width / 2, width / 2 - side)
        for y in (-depth / 2, depth / 2 - side)
    ]
