"""Greedy training of stacked Boltzmann machines: each learns from the hidden probabilities of the one below it."""

import dataclasses
from collections.abc import Sequence

import torch

from neurarium.checks import ConfigError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense, Examples
from neurarium.data.scaling import Scaling
from neurarium.nets.connectionist.rbm import RBM
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.training.device import Placement
from neurarium.training.evaluation import outputs_of
from neurarium.training.recipe import Recipe
from neurarium.training.session import prepare


def train_stack(recipe: Recipe, dataset: Dataset, hidden: Sequence[int]) -> list[RBM]:
    """Train one machine on top of the other, each by the same recipe.

    Visible units of the upper machines are Bernoulli units, whatever those of the first are.

    Args:
        recipe: of each machine; its net is an `RBMSpec`.
        dataset: what the first one learns from.
        hidden: hidden units, from the inputs upwards.

    Returns:
        The machines, for `nets.connectionist.rbm_stack.stack_into_mlp`.

    Raises:
        ConfigError: another net, or no layer.
        DataError: no examples.
    """
    if not isinstance(recipe.net, RBMSpec):
        raise ConfigError("net", expected="rbm", got=type(recipe.net).__name__)
    if not hidden:
        raise ConfigError("hidden", expected="at least one layer", got="none")
    rbms: list[RBM] = []
    spec = recipe.net
    for units in hidden:
        session = prepare(dataclasses.replace(recipe, net=dataclasses.replace(spec, hidden=units)), dataset)
        for _ in session.events():
            pass
        assert isinstance(session.net, RBM)
        rbms.append(session.net)
        dataset = _seen_by(session.net, dataset, session.placement)
        spec = dataclasses.replace(spec, visible="bernoulli", span=(0.0, 1.0))
    return rbms


def _seen_by(rbm: RBM, dataset: Dataset, placement: Placement) -> Dataset:
    """The data as the machine's hidden probabilities."""
    width = len(rbm.hidden_bias)

    def seen(examples: Examples) -> Dense:
        outputs = outputs_of(rbm, examples, placement) if len(examples) else torch.zeros(0, width)
        return Dense(outputs, examples.targets.cpu())

    return dataclasses.replace(
        dataset,
        kind="vectors",
        train=seen(dataset.train),
        development=seen(dataset.development),
        test=seen(dataset.test),
        shape=(width,),
        scaling=Scaling((0.0,) * width, (1.0,) * width),
    )
