import numpy as np
import pytest
import torch
from torch import Tensor

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.learning.recall import recall_scores
from neurarium.nets.connectionist.hopfield import HopfieldNet
from neurarium.nets.connectionist.modern_hopfield import ModernMemory
from neurarium.nets.connectionist.patterns import random_patterns
from neurarium.nets.connectionist.retrieval import Retrieval

PATTERNS = torch.tensor([[1.0, -1, 1, -1], [1, 1, -1, -1], [-1, -1, 1, 1], [1, 1, 1, -1]])


def answering(states: list[list[float]], sweeps: list[int]) -> tuple[list[Tensor], object]:
    """A memory that gives these answers, and what it was asked."""
    asked: list[Tensor] = []

    def recall(probes: Tensor) -> Retrieval:
        asked.append(probes)
        none = torch.zeros(len(probes), dtype=torch.bool)
        return Retrieval(torch.tensor(states), ~none, none, torch.tensor(sweeps), none.long())

    return asked, recall


def test_scores_by_hand() -> None:
    # right, one unit wrong, all wrong, right by its signs but for an undecided unit
    answers = [[1.0, -1, 1, -1], [1, 1, -1, 1], [1, 1, -1, -1], [0.5, 0.5, 0, -1]]
    asked, recall = answering(answers, [1, 2, 3, 4])
    scores = recall_scores(recall, PATTERNS, flip=0.5)
    assert scores.exact == 1 / 4
    assert scores.right_before == 1 / 2
    assert scores.right_after == (4 + 3 + 0 + 3) / 16
    assert scores.overlap == (1 + 1 / 2 - 1 + 2 / 4) / 4
    assert scores.steps == 2.5
    assert ((asked[0] != PATTERNS).sum(1) == 2).all()


def test_the_seed_decides_the_damage() -> None:
    patterns = random_patterns(20, 50, torch.Generator().manual_seed(0))
    asked, recall = answering([[1.0] * 50] * 20, [0] * 20)
    for seed in (1, 1, 2):
        recall_scores(recall, patterns, seed=seed)
    assert torch.equal(asked[0], asked[1])
    assert not torch.equal(asked[0], asked[2])
    assert ((asked[0] != patterns).sum(1) == 12).all()  # a quarter of 50, rounded to even


def test_undamaged_patterns_of_a_net_that_pins_them() -> None:
    patterns = random_patterns(30, 60, torch.Generator().manual_seed(0))
    scores = recall_scores(HopfieldNet.storing(patterns, "pseudo-inverse").recall, patterns, flip=0.0)
    assert (scores.exact, scores.right_before, scores.right_after, scores.steps) == (1.0, 1.0, 1.0, 0.0)


def test_a_modern_memory_is_one_softmax_after_the_other() -> None:
    patterns = random_patterns(8, 40, torch.Generator().manual_seed(0))
    asked: list[Tensor] = []
    memory = ModernMemory(patterns, beta=0.05)

    def recall(probes: Tensor) -> Retrieval:
        asked.append(probes)
        return memory.recall(probes)

    scores = recall_scores(recall, patterns, 0.3)
    x, xi = patterns.double().numpy(), asked[0].double().numpy()
    for _ in range(300):
        weights = np.exp(0.05 * xi @ x.T)
        xi = weights / weights.sum(1, keepdims=True) @ x
    assert scores.overlap == pytest.approx((xi * x).mean(), abs=1e-4)
    assert scores.right_after == pytest.approx((np.sign(xi) == x).mean())
    assert scores.exact == pytest.approx((np.sign(xi) == x).all(1).mean())


def test_what_cannot_be_measured() -> None:
    recall = HopfieldNet.storing(PATTERNS[:1]).recall
    with pytest.raises(ConfigError, match="fraction in"):
        recall_scores(recall, PATTERNS, flip=2.0)
    with pytest.raises(DataError, match=r"only -1 and \+1"):
        recall_scores(recall, PATTERNS / 2)
    with pytest.raises(DataError, match="at least one pattern"):
        recall_scores(recall, PATTERNS[:0])
    with pytest.raises(ShapeError, match="probes"):
        recall_scores(recall, PATTERNS[:, :3])
