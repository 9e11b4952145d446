"""How likely a model holds examples that it has not learned from, beside a model without any structure."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from neurarium.data.dataset import Dataset
from neurarium.learning.loss import Loss
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import DensityModel
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema
from neurarium.tasks.model import Model
from neurarium.tasks.sample_of import drawn_inputs
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Device, Helpers, Task


@dataclass(frozen=True, eq=False)
class DensityTask(Task):
    """Log-likelihood, for nets that learn by a rule of their own."""

    name: ClassVar[str] = "density"
    error_vanishes: ClassVar[bool] = False

    @classmethod
    def build(
        cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu"
    ) -> "DensityTask":
        """Make the task."""
        return cls()

    def admits(self, net: nn.Module) -> None:
        """Refuse a net that is no `DensityModel`."""
        expect(net, DensityModel, "the task density", remedy="leave it to the net: --task auto")

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """Log-likelihood in nats, and the error of a reconstruction."""
        net = expect(model.net, DensityModel, "the task density")
        examples = getattr(data, split)
        x, train = (
            drawn_inputs(part, limit).to(model.device) for part, limit in ((examples, False), (data.train, True))
        )
        found = net.density(x, train)
        binary = net.visible == "bernoulli"
        meaning = (
            f"mean log-probability {'of an example made binary' if binary else 'density of an example'}, log Z between "
            f"{found.low:.1f} and {found.high:.1f} by annealed importance sampling "
            f"({found.effective_chains:.0f} of {found.chains} chains count)"
        )
        against = "independent units with the frequencies of the training examples"
        mean, plain = found.log_likelihood, found.independent_log_likelihood
        likely = Metric("log-likelihood", mean, meaning, "nats", baseline=plain, against=against)
        meaning = "mean squared difference of a unit to its mean after a step down from the hidden probabilities"
        error, plain = found.reconstruction_error, found.error_of_mean
        against = "always the mean of the training examples"
        wrong = Metric("reconstruction error", error, meaning, "", False, plain, against)
        return Scores(self.name, split, data.name, len(examples), None, (likely, wrong))
