"""How likely a model holds examples that it has not learned from, beside a model without any structure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from neurarium.data.dataset import Dataset
from neurarium.learning.objective import Objective
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import DensityModel
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema
from neurarium.tasks.model import Model
from neurarium.tasks.sample_of import drawn_inputs
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Task


@dataclass(frozen=True, eq=False)
class DensityTask(Task):
    """Log-likelihood, for nets that learn by a rule of their own."""

    name: ClassVar[str] = "density"
    error_vanishes: ClassVar[bool] = False

    @classmethod
    def build(
        cls,
        spec: NetSpec,
        objective: Objective,
        schema: Schema,
        helpers: Mapping[str, nn.Module],
        device: torch.device | str = "cpu",
    ) -> "DensityTask":
        """Make the task."""
        return cls()

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """Log-likelihood in nats, and the error of a reconstruction."""
        net = expect(model.net, DensityModel, "the task density")
        examples = getattr(data, split)
        x, train = (
            drawn_inputs(part, limit).to(model.device) for part, limit in ((examples, False), (data.train, True))
        )
        found = net.density(x, train)
        binary = net.visible == "bernoulli"
        metrics = (
            Metric(
                "log-likelihood",
                found.log_likelihood,
                f"mean log-probability {'of an example made binary' if binary else 'density of an example'}, log Z "
                f"between {found.low:.1f} and {found.high:.1f} by annealed importance sampling "
                f"({found.effective_chains:.0f} of {found.chains} chains count)",
                "nats",
                baseline=found.independent_log_likelihood,
                against="independent units with the frequencies of the training examples",
            ),
            Metric(
                "reconstruction error",
                found.reconstruction_error,
                "mean squared difference of a unit to its mean after a step down from the hidden probabilities",
                higher_is_better=False,
                baseline=found.error_of_mean,
                against="always the mean of the training examples",
            ),
        )
        return Scores(self.name, split, data.name, len(examples), None, metrics)
