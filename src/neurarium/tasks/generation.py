"""How good examples are that a net makes of noise: as a known mixture has it, or as a trained classifier sees them."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.data.dataset import Dataset
from neurarium.data.mixtures import MIXTURES, Mixture, mode_scores
from neurarium.data.scaling import unscaled
from neurarium.learning.frechet import class_coverage, frechet_distance, gaussian_of
from neurarium.learning.loss import Loss
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import Generative
from neurarium.nets.parts.features import truncate
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema
from neurarium.tasks.model import Model
from neurarium.tasks.sample_of import drawn_inputs
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Device, Helpers, Task

SAMPLES, SEED = 2000, 0


@dataclass(frozen=True, eq=False)
class Generation(Task):
    """What a net makes, compared with its data.

    A `judge` is a classifier of such examples, under the name of its recipe; without one only known mixtures are
    scored.
    """

    judge: nn.Module | None = None
    judge_name: str = ""

    name: ClassVar[str] = "generation"
    error_vanishes: ClassVar[bool] = False
    uses: ClassVar[str] = "judge"

    @classmethod
    def build(cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu") -> "Generation":
        """Make the task, with a judge where there is one."""
        judge = helpers.get("judge")
        return cls(judge, getattr(judge, "title", "the judge"))

    def admits(self, net: nn.Module) -> None:
        """Refuse a net that is no `Generative`."""
        expect(net, Generative, "the task generation", remedy="leave it to the net: --task auto")

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """Modes covered of a known mixture, or what the judge sees."""
        net, examples = expect(model.net, Generative, "the task generation"), getattr(data, split)
        metrics: tuple[Metric, ...] = ()
        if data.name in MIXTURES:
            made = unscaled(net.sample(SAMPLES, SEED).cpu(), data.schema.input)
            metrics = mixture_metrics(made, MIXTURES[data.name]())
        elif self.judge is not None:
            real, train = drawn_inputs(examples).to(model.device), drawn_inputs(data.train, SAMPLES).to(model.device)
            made = net.sample(len(train), SEED).to(model.device)
            metrics = judged_metrics(made, real, train, self.judge.to(model.device), self.judge_name)
        return Scores(self.name, split, data.name, len(examples), None, metrics)


def mixture_metrics(points: Float[Tensor, "points 2"], mixture: Mixture) -> tuple[Metric, ...]:
    """Compare generated points with the mixture that the real ones were drawn from, in its units."""
    found = mode_scores(points, mixture)
    modes = len(mixture.centers)
    against, best = "the mixture itself", 1 - float(torch.exp(torch.tensor(-4.5)))
    covered = f"fraction of the {modes} components that have at least a tenth of their due of good points"
    good = "fraction of the points within three standard deviations of a center"
    return (
        Metric("modes covered", found.covered, covered, "%", baseline=1.0, against=against),
        Metric("good points", found.good, good, "%", baseline=best, against=against),
    )


@torch.no_grad()
def judged_metrics(
    made: Float[Tensor, "made *shape"],
    real: Float[Tensor, "real *shape"],
    train: Float[Tensor, "train *shape"],
    judge: nn.Module,
    name: str,
) -> tuple[Metric, ...]:
    """Let `judge`, a classifier of real examples, look at generated ones, in the features of its last but one layer.

    `real` examples the generator has not seen; `train` it has, as many as `made`: what could be reached. All are scaled
    as the judge sees them.
    """
    judge = judge.eval()
    trunk, width = truncate(judge, "", tuple(made.shape[1:]))
    features, target, seen = (gaussian_of(_through(trunk, part)) for part in (made, real, train))
    coverage = class_coverage(_through(judge, made))
    classes = len(coverage.fractions)
    near, plain = frechet_distance(features, target), frechet_distance(seen, target)
    meaning = f"between {len(made):,} generated and {len(real):,} real examples, in the {width} features of {name}"
    against = f"{len(train):,} training examples instead of generated ones"
    covered = f"fraction of the {classes} classes that at least a tenth of their due falls into, as {name} sees it"
    effective = f"exp of the entropy of the classes that {name} gives; {classes} where all are equally frequent"
    return (
        Metric("Frechet distance", near, meaning, higher_is_better=False, baseline=plain, against=against),
        Metric("classes covered", coverage.covered, covered, "%"),
        Metric("effective number of classes", coverage.effective, effective),
        Metric("confidence", coverage.confidence, f"mean probability that {name} gives to its answer", "%"),
    )


def _through(net: nn.Module, x: Tensor) -> Tensor:
    return torch.cat([net(part).float().cpu() for part in x.split(500)])
