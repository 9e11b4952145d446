"""The perceptron: a linear threshold unit that learns from its mistakes (algorithm 1 of the notes).

    a = w . x + b;    while an example has y a <= 0, y in {-1, +1}:   w <- w + eta y x,   b <- b + eta y

Weights begin at zero, so that eta only sets their length. If examples are separable, the number of mistakes is at most
R^2/gamma^2 in whatever order they come (`separability.novikoff`); if they are not, mistakes never end, and one takes
the weights that were right for longest, or the mean over all examples seen (`mistake_driven`).

Letters: d features, w weights, b bias, a score, y sign of the label, eta rate.

Source: F. Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain",
1958.
Departs from the notes: a score of 0 is a mistake for either label, and is answered with the first class: 004 has
sgn(0) = 0, 003 +1, 001 fires above 0 alone (errata E25). 003 steps by eta (y - y^) x, which for signs is
2 eta y x (E26).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from neurarium.checks import ConfigError, DataError
from neurarium.nets.connectionist.certificate import Certificate
from neurarium.nets.connectionist.mistake_driven import Mistakes, PerceptronState, check_finite
from neurarium.nets.connectionist.separability import check_labeled, separate, signs
from neurarium.nets.interfaces import Hyperplane
from neurarium.nets.parts.flat import flat


@dataclass(frozen=True, eq=False)
class Learned:
    """What a perceptron came to."""

    # to answer with
    weight: Float[Tensor, "features"]
    bias: float
    epochs: int  # passes over the examples
    separated: bool  # whether the last pass was without a mistake
    mistakes: Mistakes  # all of them


def learn(
    x: Float[Tensor, "..."],
    labels: Shaped[Tensor, "..."],
    epochs: int | None = None,
    answers: str = "last",
    rate: float = 1.0,
    bias: bool = True,
) -> Learned:
    """Pass over the examples (examples, features) in their order until none is answered wrongly; all on the CPU.

    Args:
        labels: -1 and +1, or 0 and 1.
        epochs: most passes; none: as many as it takes, after a linear program has shown that they come to an end.
    Raises DataError: labels of other than two classes, or no hyperplane (with a certificate) and no `epochs`;
    ConfigError: no epoch, an unknown kind of answers, a rate <= 0; ShapeError, NonFiniteError: examples.

    Example:
        >>> both = learn(torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), torch.tensor([0, 0, 0, 1]))
        >>> both.weight, both.bias, len(both.mistakes)
        (tensor([3., 2.]), -4.0, 18)
    """
    check_labeled(x, labels)
    if epochs is not None and epochs < 1:
        raise ConfigError("epochs", expected="an integer >= 1, or none", got=str(epochs))
    rows = x.detach().cpu().numpy()
    y = signs(labels).to(x.dtype).cpu().numpy()
    check_finite(rows)

    def mistakes_of(weight: np.ndarray, offset: float) -> int:
        return int((y * (rows @ weight + offset) <= 0).sum())

    course = PerceptronState(x.shape[1], answers, rate, bias, rows.dtype, mistakes_of)
    if epochs is None and isinstance(found := separate(x, labels, bias), Certificate):
        raise DataError(
            "perceptron",
            expected="examples that a hyperplane separates",
            got=f"such that {found}",
            remedy="give a number of epochs, with the answers 'pocket' or 'averaged'",
        )
    passes: list[Mistakes] = []
    while epochs is None or len(passes) < epochs:
        passes.append(course.partial_fit(rows, y))
        if len(passes[-1]) == 0:
            break
    log = Mistakes(*(np.concatenate([getattr(p, name) for p in passes]) for name in ("examples", "steps", "losses")))
    weight, offset = course.answer()
    return Learned(torch.from_numpy(weight.copy()), offset, len(passes), len(passes[-1]) == 0, log)


class Perceptron(nn.Module, Hyperplane):
    """A threshold unit, its weights zero; outputs are the scores of two classes. Raises ConfigError: no features."""

    def __init__(self, features: int) -> None:
        super().__init__()
        if features < 1:
            raise ConfigError("features", expected="an integer >= 1", got=str(features))
        self.weight = nn.Parameter(torch.zeros(features))
        self.bias = nn.Parameter(torch.zeros(()))

    def score(self, x: Float[Tensor, "batch *example"]) -> Float[Tensor, "batch"]:
        """w . x + b: above 0 for the second class, else the first. Raises ShapeError: another count of numbers."""
        return flat(x, len(self.weight), "the perceptron") @ self.weight + self.bias

    def forward(self, x: Float[Tensor, "batch *example"]) -> Float[Tensor, "batch 2"]:
        """Scores of the two classes, (-a/2, a/2): they differ by a, and their perceptron losses sum to that of a."""
        half = self.score(x) / 2
        return torch.stack([-half, half], 1)
