"""How good examples are that a net makes of noise: as a known mixture has it, or as a trained classifier sees them."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.data.mixtures import Mixture, mode_scores
from neurarium.learning.frechet import class_coverage, frechet_distance, gaussian_of
from neurarium.nets.parts.features import cut
from neurarium.training.scores.measure import Measure

SAMPLES, SEED = 2000, 0


def mixture_measures(points: Float[Tensor, "points 2"], mixture: Mixture) -> tuple[Measure, ...]:
    """Compare generated points with the mixture that the real ones were drawn from, in its units."""
    found = mode_scores(points, mixture)
    modes = len(mixture.centres)
    return (
        Measure(
            "modes covered",
            found.covered,
            f"share of the {modes} components that have at least a tenth of their due of good points",
            "%",
            baseline=1.0,
            against="the mixture itself",
        ),
        Measure(
            "good points",
            found.good,
            "share of the points within three standard deviations of a centre",
            "%",
            baseline=1 - float(torch.exp(torch.tensor(-4.5))),
            against="the mixture itself",
        ),
    )


@torch.no_grad()
def judged_measures(
    made: Float[Tensor, "made *shape"],
    real: Float[Tensor, "real *shape"],
    train: Float[Tensor, "train *shape"],
    judge: nn.Module,
    name: str,
) -> tuple[Measure, ...]:
    """Let a classifier of real examples look at generated ones.

    Args:
        made: generated examples, scaled as the judge sees them.
        real: examples that the generator has not seen.
        train: examples that it has seen, as many as `made`: what could be reached.
        judge: from examples to logits; the distance is that of its last but one layer.
        name: of the judge.
    """
    judge = judge.eval()
    trunk, width = cut(judge, "", tuple(made.shape[1:]))
    features, target, seen = (gaussian_of(_through(trunk, part)) for part in (made, real, train))
    coverage = class_coverage(_through(judge, made))
    classes = len(coverage.shares)
    return (
        Measure(
            "Frechet distance",
            frechet_distance(features, target),
            f"between {len(made):,} generated and {len(real):,} real examples, in the {width} features of {name}",
            higher_is_better=False,
            baseline=frechet_distance(seen, target),
            against=f"{len(train):,} training examples instead of generated ones",
        ),
        Measure(
            "classes covered",
            coverage.covered,
            f"share of the {classes} classes that at least a tenth of their due falls into, as {name} sees it",
            "%",
        ),
        Measure(
            "effective number of classes",
            coverage.effective,
            f"exp of the entropy of the classes that {name} gives; {classes} where all are equally frequent",
        ),
        Measure("confidence", coverage.confidence, f"mean probability that {name} gives to its answer", "%"),
    )


def _through(net: nn.Module, x: Tensor) -> Tensor:
    return torch.cat([net(part).float().cpu() for part in x.split(500)])
