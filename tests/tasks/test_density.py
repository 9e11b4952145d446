"""What the task makes of a density model's numbers; these themselves are held to exact sums in `nets/connectionist`."""

import functools

import numpy as np
import pytest
import torch
from scipy import special
from torch import nn

from neurarium.checks import ConfigError
from neurarium.data.dataset import Dataset
from neurarium.learning.loss import Loss
from neurarium.nets.connectionist import rbm_density
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.spec import NetSpec
from neurarium.tasks import sample_of
from neurarium.tasks.density import DensityTask
from neurarium.tasks.model import Model
from neurarium.tasks.scores import Scores


def raw(data: Dataset, split: str = "test") -> np.ndarray:
    values = torch.cat(list(getattr(data, split).pieces(next(iter(data.schema.inputs)))))
    return values.double().numpy().reshape(len(values), -1)


def score(net: nn.Module, data: Dataset, split: str = "test") -> Scores:
    task = DensityTask.build(NetSpec(), Loss(), data.schema, {})
    return task.score(Model(net, torch.device("cpu")), data, split)


@pytest.fixture(autouse=True)
def _in_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small a machine is measured well enough in them."""
    monkeypatch.setattr(rbm_density, "density_of", functools.partial(rbm_density.density_of, steps=100))


@pytest.fixture
def machine(vectors: Dataset) -> nn.Module:
    torch.manual_seed(3)
    return RBMSpec(hidden=3).build(vectors.schema)


def test_a_boltzmann_machine_sees_values_from_0_to_1(machine: nn.Module, vectors: Dataset) -> None:
    found = score(machine, vectors)
    assert (found.task, found.loss, found.examples) == ("density", None, 30)
    likelihood, reconstruction = found.metrics
    assert (likelihood.name, likelihood.unit, likelihood.higher_is_better) == ("log-likelihood", "nats", True)
    assert "log-probability of an example made binary" in likelihood.meaning
    assert not reconstruction.higher_is_better
    test, train = raw(vectors) / 255, raw(vectors, "train") / 255
    assert reconstruction.baseline == pytest.approx(((train.mean(0) - test) ** 2).mean(), rel=1e-4)
    w, b, c = (p.detach().double().numpy() for p in machine.weights)  # type: ignore[union-attr]
    down = special.expit(special.expit(test @ w.T + c) @ w + b)
    assert reconstruction.value == pytest.approx(((down - test) ** 2).mean(), rel=1e-4)
    test, train = (test > 0.5).astype(float), (train > 0.5).astype(float)
    rates = (train.sum(0) + 1) / 92
    expected = (test * np.log(rates) + (1 - test) * np.log1p(-rates)).sum(1).mean()
    assert likelihood.baseline == pytest.approx(expected, rel=1e-5)
    # twelve units have 4096 states: log Z and with it the likelihood can be counted out
    states = ((np.arange(4096)[:, None] >> np.arange(12)) & 1).astype(float)

    def log_weights(v: np.ndarray) -> np.ndarray:
        return v @ b + np.logaddexp(0, v @ w.T + c).sum(1)

    exact = log_weights(test).mean() - special.logsumexp(log_weights(states))
    assert likelihood.value == pytest.approx(exact, abs=0.02)


def test_densities_of_real_numbers_say_so(vectors: Dataset) -> None:
    torch.manual_seed(0)
    found = score(RBMSpec(hidden=3, visible="gaussian").build(vectors.schema), vectors)
    assert "mean log-probability density of an example, log Z" in found.metrics[0].meaning
    # independent units of the training examples' means and of variance 1, after standardizing
    field = vectors.schema.input
    test, train = ((raw(vectors, part) - np.array(field.mean)) / np.array(field.std) for part in ("test", "train"))
    expected = -0.5 * ((test - train.mean(0)) ** 2 + np.log(2 * np.pi)).sum(1).mean()
    assert found.metrics[0].baseline == pytest.approx(expected, rel=1e-5)


def test_more_examples_than_a_baseline_needs_are_all_measured(
    machine: nn.Module, vectors: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The baseline's limit on training examples cuts no split that is measured."""
    monkeypatch.setattr(sample_of, "_MOST", 20)
    found = score(machine, vectors, "train")
    units = raw(vectors, "train") / 255
    w, b, c = (p.detach().double().numpy() for p in machine.weights)  # type: ignore[union-attr]
    down = special.expit(special.expit(units @ w.T + c) @ w + b)
    assert found.examples == 90
    assert found.value("reconstruction error") == pytest.approx(((down - units) ** 2).mean(), rel=1e-4)
    of_all = ((units.mean(0) - units) ** 2).mean()
    assert found.metrics[1].baseline is not None
    assert found.metrics[1].baseline > of_all * 1.001  # the mean of 20 of them is a worse one


def test_another_net_is_refused(vectors: Dataset) -> None:
    with pytest.raises(ConfigError, match="a net of the kind DensityModel for the task density, got Linear"):
        score(nn.Linear(12, 3), vectors)
    with pytest.raises(ConfigError, match=r"prediction: expected a net that predicts .* got a net for density"):
        DensityTask().predict(Model(nn.Identity(), torch.device("cpu")), vectors.test.gather(torch.arange(2)))
