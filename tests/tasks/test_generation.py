import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import linalg, special
from torch import nn

from neurarium.checks import ConfigError
from neurarium.data.dataset import Dataset
from neurarium.data.mixtures import Mixture, load_ring, ring
from neurarium.learning.loss import Loss
from neurarium.nets.generative.specs import GANSpec
from neurarium.nets.spec import NetSpec
from neurarium.tasks.generation import Generation, judged_metrics, mixture_metrics
from neurarium.tasks.model import Model
from neurarium.tasks.scores import Scores
from neurarium.training.pretrained import Judge


def test_mixture_by_hand() -> None:
    """Four centers; 20 points, so each center is due 5 and covered by 1 (a tenth, at least one)."""
    mixture = Mixture(torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]]), 0.5)
    points = torch.tensor([[0.1, 0.0]] * 14 + [[10.0, 1.4]] + [[0.0, 8.4]] * 3 + [[5.0, 5.0]] * 2)
    covered, good = mixture_metrics(points, mixture)
    assert covered.value == 2 / 4  # (0, 8.4) is 1.6 from its center, beyond 3 x 0.5
    assert good.value == 15 / 20
    assert "4 components" in covered.meaning
    assert (covered.unit, good.unit) == ("%", "%")


def test_the_baseline_is_what_the_mixture_itself_reaches() -> None:
    points, _ = ring().draw(5000, seed=7)
    covered, good = mixture_metrics(points, ring())
    assert covered.value == covered.baseline == 1.0
    assert good.baseline == pytest.approx(1 - math.exp(-4.5), rel=1e-6)  # P(chi^2 of 2 degrees <= 9)
    assert good.value == pytest.approx(good.baseline, abs=0.003)


@pytest.fixture
def judge() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(8, 5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 3))


def by_numpy(judge: nn.Sequential, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    first, last = judge[1], judge[4]
    features = np.tanh(x.flatten(1).numpy() @ first.weight.detach().numpy().T + first.bias.detach().numpy())
    return features, features @ last.weight.detach().numpy().T + last.bias.detach().numpy()


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared Frechet distance with SciPy's matrix root."""
    one, other = np.cov(a.T), np.cov(b.T)
    root = linalg.sqrtm(one @ other).real
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(one + other - 2 * root))


def test_judged_by_numpy(judge: nn.Sequential) -> None:
    generator = torch.Generator().manual_seed(1)
    made, real, train = (
        torch.randn(count, 2, 2, 2, generator=generator) + shift for count, shift in ((700, 0.5), (90, 0.0), (700, 0.1))
    )
    judge.train()  # measured without dropout all the same
    found = judged_metrics(made, real, train, judge, "<judge>")
    values = {metric.name: metric for metric in found}
    assert list(values) == ["Frechet distance", "classes covered", "effective number of classes", "confidence"]
    (a, logits), (b, _), (c, _) = (by_numpy(judge, part) for part in (made, real, train))
    frechet = values["Frechet distance"]
    assert frechet.value == pytest.approx(distance(a, b), rel=1e-4)
    assert frechet.baseline == pytest.approx(distance(c, b), rel=1e-4)
    assert not frechet.higher_is_better
    assert "700 generated and 90 real examples, in the 5 features of <judge>" in frechet.meaning
    fractions = np.bincount(logits.argmax(1), minlength=3) / 700
    entropy = -special.xlogy(fractions, fractions).sum()
    assert values["effective number of classes"].value == pytest.approx(np.exp(entropy), rel=1e-6)
    assert values["classes covered"].value == pytest.approx((fractions >= 0.1 / 3).mean())
    assert values["confidence"].value == pytest.approx(special.softmax(logits, axis=1).max(1).mean(), rel=1e-5)


def test_a_collapsed_generator_covers_one_class(judge: nn.Sequential) -> None:
    generator = torch.Generator().manual_seed(2)
    real, train = (torch.randn(60, 8, generator=generator) for _ in range(2))
    made = real[:1].repeat(60, 1)
    values = {m.name: m.value for m in judged_metrics(made, real, train, judge, "judge")}
    assert values["classes covered"] == pytest.approx(1 / 3)
    assert values["effective number of classes"] == pytest.approx(1.0)


def score(net: nn.Module, data: Dataset, judge: nn.Module | None = None) -> Scores:
    helpers = {} if judge is None else {"judge": judge}
    task = Generation.build(NetSpec(), Loss(), data.schema, helpers)
    found = task.score(Model(net, torch.device("cpu")), data, "test")
    assert (found.task, found.loss, found.examples) == ("generation", None, len(data.test))
    return found


def fresh(data: Dataset) -> nn.Module:
    torch.manual_seed(3)
    return GANSpec(latent_dim=2, hidden=(8,)).build(data.schema)


def in_units(data: Dataset, x: torch.Tensor) -> np.ndarray:
    field = data.schema.input
    return x.detach().double().numpy() * (np.array(field.std) if field.std else 1.0) + (
        np.array(field.mean) if field.mean else 0.0
    )


def test_points_of_a_generator_by_the_mixture_they_should_come_from() -> None:
    data = load_ring()
    net = fresh(data)
    found = score(net, data)
    points = in_units(data, net.sample(2000, 0))  # type: ignore[operator]
    angles = 2 * np.pi * np.arange(8) / 8
    centers = 2 * np.column_stack([np.cos(angles), np.sin(angles)])
    nearest = np.linalg.norm(points[:, None] - centers, axis=2).min(1)
    assert found.value("good points") == pytest.approx((nearest <= 0.06).mean(), abs=1e-3)
    # whatever they are called, other points have no known density
    assert score(net, replace(data, name="mine")).metrics == ()


def test_examples_of_a_generator_by_a_judge(vectors: Dataset) -> None:
    net = fresh(vectors)
    assert score(net, vectors).metrics == ()
    torch.manual_seed(0)
    eye = Judge(nn.Sequential(nn.Linear(12, 4), nn.Tanh(), nn.Linear(4, 3)), "lenet")
    found = score(net, vectors, eye)
    made = net.sample(90, 0)  # type: ignore[operator]
    assert found.value("confidence") == pytest.approx(eye(made).softmax(1).max(1).values.mean().item(), rel=1e-4)
    assert found.metrics[0].meaning == "between 90 generated and 30 real examples, in the 4 features of lenet"


def test_a_net_that_makes_nothing_is_refused(vectors: Dataset) -> None:
    with pytest.raises(ConfigError, match="a net of the kind Generative for the task generation, got Linear"):
        score(nn.Linear(12, 3), vectors)
