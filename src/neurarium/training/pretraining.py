"""Greedy training of stacked Boltzmann machines: each learns from the hidden probabilities of the one below it."""

import dataclasses
from collections.abc import Sequence

import torch

from neurarium.checks import ConfigError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.plan import in_order
from neurarium.data.table import Table
from neurarium.nets.connectionist.rbm import RBM
from neurarium.nets.expect import expect
from neurarium.record.schema import Field, Schema
from neurarium.tasks.model import EVALUATION_BATCH
from neurarium.training.device import DeviceConfig
from neurarium.training.recipe import Recipe, net_kind
from neurarium.training.session import build_session


def train_stack(recipe: Recipe, dataset: Dataset, hidden: Sequence[int]) -> list[RBM]:
    """Train one machine on top of the other, each by the same recipe.

    Visible units of the upper machines are Bernoulli units, whatever those of the first are.

    `recipe`: of each machine; its net is an `RBMSpec`.
    Raises ConfigError: another net, or no layer; DataError: no examples.
    """
    if recipe.net.task != "density":
        raise ConfigError("net", expected="rbm", got=net_kind(recipe.net))
    if not hidden:
        raise ConfigError("hidden", expected="at least one layer", got="none")
    rbms: list[RBM] = []
    visible: dict[str, object] = {}
    for units in hidden:
        spec = dataclasses.replace(recipe.net, **{"hidden": units, **visible})
        session = build_session(dataclasses.replace(recipe, net=spec), dataset)
        for _ in session.events():
            pass
        rbms.append(expect(session.net, RBM, "a stack of Boltzmann machines"))
        dataset = _seen_by(rbms[-1], dataset, session.device_config)
        visible = {"visible": "bernoulli"}
    return rbms


def _seen_by(rbm: RBM, dataset: Dataset, device_config: DeviceConfig) -> Dataset:
    """The data as the machine's hidden probabilities."""
    width = len(rbm.hidden_bias)
    schema = Schema({"hidden": Field((width,), value_range=(0.0, 1.0))})

    def seen(examples: Examples) -> Table:
        with torch.inference_mode(), device_config.autocast():
            batches = in_order(examples, EVALUATION_BATCH)
            outputs = [rbm(batch.to(device_config.device).x).float().cpu() for batch in batches]
        return Table((torch.cat([torch.zeros(0, width), *outputs]),), (), schema)

    train, validation, test = map(seen, dataset.parts().values())
    return dataclasses.replace(dataset, schema=schema, train=train, validation=validation, test=test)
