"""The adding problem: two numbers are marked in a long series; what is their sum?

    x_t = (value_t, mark_t),    value_t uniform in [0, 1],    sum = sum_t mark_t value_t

One mark lies in the first half and one in the second, so that what was read first is kept over half the series on
average. Who always answers 1 has the mean squared error 1/6, the variance of the sum of two such numbers.

Source: S. Hochreiter, J. Schmidhuber, "Long short-term memory", 1997; numbers in [0, 1] as in Q. V. Le, N. Jaitly,
G. E. Hinton, "A simple way to initialize recurrent networks of rectified linear units", 2015.
"""

import math
from collections.abc import Callable

import numpy as np
import torch

from neurarium.data.assemble import Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.ragged import Ragged
from neurarium.data.scaling import scaled
from neurarium.record.schema import Field, Schema

# Fixed once for all: which series there are.
_SEED = 20261127
_COUNTS = {"train": 10_000, "validation": 1_000, "test": 1_000}
_SCHEMA = Schema(
    {"series": Field((None, 2), names=("value", "mark"), mean=(0.5, 0.0), std=(math.sqrt(1 / 12), 1.0), axis="time")},
    {"sum": Field((1,), names=("sum",), mean=(1.0,), std=(math.sqrt(1 / 6),))},
)
"""Scaled by what the distribution has, so that nets of different lengths see the same."""


def of_length(steps: int) -> Callable[[str | None], Dataset]:
    """Return what loads the problem over so many steps: 10,000 series, 1,000 for validation, 1,000 for the test."""

    def load(folder: str | None = None) -> Dataset:
        random = np.random.RandomState(_SEED + steps)
        train, validation, test = (_drawn(random, count, steps) for count in _COUNTS.values())
        parts: Parts = {"train": train, "validation": validation, "test": test}
        provenance = f"series of {steps} random numbers of which two are marked, made by code, fixed seed"
        return assemble(f"adding-{steps}", parts, provenance=provenance, license="none needed")

    return load


def _drawn(random: np.random.RandomState, count: int, steps: int) -> Ragged:
    values, marks, rows = random.random_sample((count, steps)), np.zeros((count, steps)), np.arange(count)
    first, second = random.randint(0, steps // 2, count), random.randint(steps // 2, steps, count)
    marks[rows, first] = marks[rows, second] = 1
    series = torch.from_numpy(np.stack([values, marks], 2).reshape(-1, 2)).float()
    sums = torch.from_numpy(values[rows, first] + values[rows, second])[:, None]
    columns = {"series": series, "sum": scaled(sums, _SCHEMA.target)}
    return Ragged(columns, {"time": torch.full((count,), steps)}, _SCHEMA)
