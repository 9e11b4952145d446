"""How like real examples generated ones are, to a trained classifier: distance of features, fraction of classes.

    d^2 = |m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1^{1/2} C_2 C_1^{1/2})^{1/2})

is the squared Frechet (2-Wasserstein) distance between normal distributions with the means m and covariances C of the
features. With the features of Inception it is the FID of the literature; with those of another net, such as a LeNet,
its numbers compare only with others from the same net and from equally many examples (few make it larger).

Source: D. Dowson, B. Landau, "The Frechet distance between multivariate normal distributions", 1982; M. Heusel et al.,
"GANs trained by a two time-scale update rule converge to a local Nash equilibrium", 2017.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from neurarium.checks import ConfigError, DataError


@dataclass(frozen=True)
class Gaussian:
    """Mean and covariance, in float64."""

    mean: Float64[Tensor, " features"]
    covariance: Float64[Tensor, "features features"]


def gaussian_of(features: Float[Tensor, "examples features"]) -> Gaussian:
    """Mean and (unbiased) covariance of features.

    Raises DataError: fewer than two examples, or a number that is not finite.
    """
    if len(features) < 2:
        raise DataError("features", expected="at least two examples", got=str(len(features)))
    rows = features.double()
    if not rows.isfinite().all():
        raise DataError("features", expected="finite numbers", got="infinite or undefined ones")
    return Gaussian(rows.mean(0), torch.cov(rows.T).reshape(rows.shape[1], rows.shape[1]))


def frechet_distance(one: Gaussian, other: Gaussian) -> float:
    """The squared distance d^2 above, as the literature reports it.

    The root's trace is the sum of the square roots of the eigenvalues of C_1^{1/2} C_2 C_1^{1/2}, which is symmetric,
    so that singular covariances are no trouble.
    Raises DataError: other numbers of features.

    Example:
        >>> a = Gaussian(torch.zeros(2).double(), torch.eye(2).double())
        >>> b = Gaussian(torch.tensor([3.0, 4.0]).double(), 4 * torch.eye(2).double())
        >>> frechet_distance(a, b)  # 25 + 2 (1 - 2)^2
        27.0
    """
    if one.mean.shape != other.mean.shape:
        raise DataError("features", expected=f"{len(one.mean)} of each example", got=str(len(other.mean)))
    values, vectors = torch.linalg.eigh(one.covariance)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    both = torch.linalg.eigvalsh(root @ other.covariance @ root).clamp(min=0).sqrt().sum()
    trace = one.covariance.trace() + other.covariance.trace() - 2 * both
    return float((one.mean - other.mean).square().sum() + trace.clamp(min=0))


@dataclass(frozen=True)
class ClassCoverage:
    """Which classes generated examples fall into.

    Attributes:
        fractions: of the examples, by the class that a classifier gives them.
        covered: fraction of the classes with examples enough.
        effective: exp of the entropy of the fractions: number of classes that are as good as equally frequent.
        confidence: mean probability of the class given; low where examples look like none of the classes.
    """

    fractions: tuple[float, ...]
    covered: float
    effective: float
    confidence: float


def class_coverage(logits: Float[Tensor, "examples classes"], least: float = 0.1) -> ClassCoverage:
    """Judge generated examples by a classifier's answers to them.

    `least`: fraction of its due (1 / classes) that a class needs to be covered, in (0, 1].
    Raises ConfigError: `least` out of range; DataError: no examples.

    Example:
        >>> found = class_coverage(torch.tensor([[9.0, 0, 0, 0], [0, 9.0, 0, 0]]))
        >>> found.covered, round(found.effective, 6)
        (0.5, 2.0)
    """
    if not 0 < least <= 1:
        raise ConfigError("least", expected="a number in (0, 1]", got=str(least))
    if len(logits) == 0:
        raise DataError("generated examples", expected="at least one", got="none")
    classes = logits.shape[1]
    confidence, answers = logits.double().softmax(1).max(1)
    fractions = torch.bincount(answers, minlength=classes).double() / len(logits)
    entropy = -torch.special.xlogy(fractions, fractions).sum()
    covered = (fractions > 0) & (fractions >= least / classes)
    return ClassCoverage(
        tuple(fractions.tolist()), covered.double().mean().item(), entropy.exp().item(), confidence.mean().item()
    )
