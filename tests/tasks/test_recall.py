import numpy as np
import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError
from neurarium.data.dataset import Dataset
from neurarium.learning.loss import Loss
from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.patterns import random_patterns
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import image_schema
from neurarium.tasks.model import Model
from neurarium.tasks.recall import Recall
from neurarium.tasks.scores import Metric

from ..conftest import make_toy


def holding(patterns: torch.Tensor, storage: str = "hebbian") -> AssociativeMemory:
    net = AssociativeMemory(torch.zeros(patterns.shape[1]), len(patterns), storage)
    assert net.store(patterns) == len(patterns)
    return net


def recalled(net: nn.Module, flip: float, data: Dataset | None = None) -> tuple[Metric, ...]:
    found = Recall(flip).score(Model(net, torch.device("cpu")), data or make_toy((3,), 2, (4, 2, 2)), "test")
    assert (found.task, found.loss) == ("recall", None)
    return found.metrics


def test_one_pattern_by_hand() -> None:
    """Hebb's rule on one pattern: the field of every unit has the pattern's sign while most units are right."""
    x = random_patterns(1, 40, torch.Generator().manual_seed(0))
    exact, right, overlap, sweeps = recalled(holding(x), 0.25)
    assert (exact.value, right.value, right.baseline, overlap.value, sweeps.value) == (1.0, 1.0, 0.75, 1.0, 1.0)
    assert exact.meaning.startswith("fraction of the 1 stored pattern that")
    assert "25 % of them flipped" in exact.meaning


def test_more_than_half_turned_round_ends_at_the_negative() -> None:
    x = random_patterns(1, 40, torch.Generator().manual_seed(0))
    exact, right, overlap, _ = recalled(holding(x), 0.75)
    assert (exact.value, right.value, right.baseline, overlap.value) == (0.0, 0.0, 0.25, -1.0)


def test_crowded_memory_against_a_loop_over_units() -> None:
    """Fixed points are checked unit by unit in NumPy: what recall ends at must be one, and the scores its own."""
    x = random_patterns(20, 50, torch.Generator().manual_seed(3))
    net = holding(x)
    exact, right, overlap, sweeps = recalled(net, 0.1)
    assert exact.value < 1
    assert overlap.value == pytest.approx(2 * right.value - 1)  # of states -1 and +1
    assert right.baseline == pytest.approx(0.9)
    assert not sweeps.higher_is_better
    w = (x.T @ x).numpy() / 50
    np.fill_diagonal(w, 0.0)
    stays = [bool((np.sign(w @ row) == row).all()) for row in x.numpy()]
    unharmed = recalled(net, 0.0)[0]
    assert unharmed.value == pytest.approx(np.mean(stays))


def test_a_memory_is_measured_on_what_it_stored(images: Dataset) -> None:
    spec = HopfieldSpec(patterns=3, flip=0.2)
    net = spec.build(images.schema)
    net.store(images.train.gather(torch.arange(150)).x)  # type: ignore[operator]
    task = Recall.build(spec, Loss(), images.schema, {})
    found = task.score(Model(net, torch.device("cpu")), images, "test")
    assert (found.task, found.examples) == ("recall", 3)
    right = next(metric for metric in found.metrics if metric.name == "right units")
    assert right.baseline == pytest.approx(1 - round(0.2 * 784) / 784)


def test_another_net_is_refused() -> None:
    task = Recall.build(NetSpec(), Loss(), image_schema(), {})
    assert task.flip == 0.25
    with pytest.raises(ConfigError, match=r"net: expected a net of the kind Memory for the task recall, got Linear"):
        recalled(nn.Linear(3, 2), 0.25)
