import numpy as np
import pytest
import torch

from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.nets.connectionist.patterns import random_patterns
from neurarium.training.scores.memory import memory_measures


def holding(patterns: torch.Tensor, storage: str = "hebbian") -> AssociativeMemory:
    net = AssociativeMemory(torch.zeros(patterns.shape[1]), len(patterns), storage)
    assert net.store(patterns) == len(patterns)
    return net


def test_one_pattern_by_hand() -> None:
    """Hebb's rule on one pattern: the field of every unit has the pattern's sign while most units are right."""
    x = random_patterns(1, 40, torch.Generator().manual_seed(0))
    exact, right, overlap, sweeps = memory_measures(holding(x), 0.25)
    assert (exact.value, right.value, right.baseline, overlap.value, sweeps.value) == (1.0, 1.0, 0.75, 1.0, 1.0)
    assert exact.meaning.startswith("share of the 1 stored pattern that")
    assert "25 % of the units" in exact.meaning


def test_more_than_half_turned_round_ends_at_the_negative() -> None:
    x = random_patterns(1, 40, torch.Generator().manual_seed(0))
    exact, right, overlap, _ = memory_measures(holding(x), 0.75)
    assert (exact.value, right.value, right.baseline, overlap.value) == (0.0, 0.0, 0.25, -1.0)


def test_crowded_memory_against_a_loop_over_units() -> None:
    """Fixed points are checked unit by unit in NumPy: what recall ends at must be one, and the scores its own."""
    x = random_patterns(20, 50, torch.Generator().manual_seed(3))
    net = holding(x)
    exact, right, overlap, sweeps = memory_measures(net, 0.1)
    assert exact.value < 1
    assert overlap.value == pytest.approx(2 * right.value - 1)  # of states -1 and +1
    assert right.baseline == pytest.approx(0.9)
    assert not sweeps.higher_is_better
    w = (x.T @ x).numpy() / 50
    np.fill_diagonal(w, 0.0)
    stays = [bool((np.sign(w @ row) == row).all()) for row in x.numpy()]
    unharmed = memory_measures(net, 0.0)[0]
    assert unharmed.value == pytest.approx(np.mean(stays))
