"""How well random patterns are recalled at a load: measured, to lay beside the mean-field theory."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.hopfield import HopfieldNet
from neurarium.nets.connectionist.patterns import CapacityWarning, flip, overlap, random_patterns


@dataclass(frozen=True)
class LoadPoint:
    """Recall at one load."""

    # n and s
    neurons: int
    patterns: int
    overlap: float  # between the pattern started from and the state reached, mean over patterns and trials
    spread: float  # standard deviation of that mean from trial to trial
    exact: float  # fraction of patterns recalled without a wrong unit

    @property
    def load(self) -> float:
        """s / n."""
        return self.patterns / self.neurons


def load_curve(
    neurons: int,
    loads: Sequence[float],
    *,
    storage: str = "hebbian",
    flipped: float = 0.0,
    trials: int = 4,
    probes: int = 100,
    seed: int = 0,
) -> list[LoadPoint]:
    """Store random patterns, start in some of them, let the net come to rest, measure the overlap.

    Args:
        loads: s / n of each point; s is rounded to an integer, at least 1.
        flipped: fraction of the units turned before the start; 0 for the retrieval states of the theory.
        trials: nets a point, with patterns of their own.
        probes: patterns a net from which it is started, at most.
    Raises ConfigError: no load above 0, no trial, unknown storage.
    """
    if min([*loads, trials, probes], default=0) <= 0:
        raise ConfigError("loads, trials, probes", expected="numbers above 0", got=f"{loads}, {trials}, {probes}")
    generator = torch.Generator().manual_seed(seed)
    points = []
    for load in loads:
        count = max(1, round(load * neurons))
        means, exact = [], []
        for trial in range(trials):
            patterns = random_patterns(count, neurons, generator)
            with warnings.catch_warnings():
                # to exceed the capacity is the purpose here
                warnings.simplefilter("ignore", CapacityWarning)
                net = HopfieldNet.storing(patterns, storage)
            targets = patterns[:probes]
            reached = overlap(net.recall(flip(targets, flipped, generator), seed=seed + trial).states, targets)
            means.append(reached.mean())
            exact.append((reached == 1).double().mean())
        spread = torch.stack(means).std().item() if trials > 1 else 0.0
        points.append(
            LoadPoint(neurons, count, torch.stack(means).mean().item(), spread, torch.stack(exact).mean().item())
        )
    return points
