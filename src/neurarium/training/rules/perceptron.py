"""Rosenblatt's rule in the trainer: each example of a batch in turn, the weights changed at each mistake.

    y (w . x + b) <= 0:    w <- w + eta y x,   b <- b + eta y

The updates are sequential inside a batch too, so that runs with other batch sizes, which see the examples in the same
order, learn the same weights: a batch is only how often something is reported. Reported are

    loss   max(0, -y a), mean over the batch, each example at the weights that met it
    errors      mistakes
    gradient_norm   |sum of y (x, 1) over the mistakes| / batch size

and in measurements the same two sums for the weights that answer. The work is done on the CPU, wherever the net is: a
mistake changes what comes next, and there is nothing to do at once.

Source: F. Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain",
1958.
"""

import math
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor

from neurarium.checks import NonFiniteError
from neurarium.data.batch import Batch
from neurarium.data.examples import Examples
from neurarium.data.plan import in_order
from neurarium.nets.connectionist.certificate import Certificate
from neurarium.nets.connectionist.mistake_driven import PerceptronState, check_finite
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.nets.connectionist.separability import novikoff, signs
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import Hyperplane
from neurarium.tasks.task import Context
from neurarium.training.rules.rule import LearningRule, Setup, Sums, Update

MOST_TESTED = 2**25
"""Numbers in the examples up to which they are tested for separability."""


class PerceptronRule(LearningRule):
    """Learning rule: mistakes, one by one. The net holds the weights that answer; eta is the rate of plain sgd.

    `finished`: whether the last whole epoch was without a mistake; no further one changes the weights.
    Raises ConfigError: a net that is no hyperplane.
    """

    follows: ClassVar[frozenset[str]] = frozenset({"loss.name=auto|perceptron", "optimizer.name=sgd", "optimizer.lr"})

    def __init__(self, setup: Setup) -> None:
        self._perceptron = expect(setup.net, Hyperplane, "Rosenblatt's rule")
        self.net, self.notices = setup.net, list[str]()
        weight, answers = self._perceptron.weight, cast(PerceptronSpec, setup.recipe.net).answers
        dtype = weight.detach().cpu().numpy().dtype
        self._course = PerceptronState(len(weight), answers, setup.recipe.optimizer.lr, dtype=dtype)
        self._mistakes_of_epoch = 0
        self.finished = False

    @property
    def mistakes(self) -> int:
        """Mistakes since the run began: what Novikoff's bound is about."""
        return self._course.mistakes

    def start(self, examples: Examples) -> None:
        """Say whether a hyperplane separates the examples, and how many mistakes there can be."""
        self.notices.append(separability_notice(examples))

    def step(self, parts: tuple[Batch, ...], context: Context) -> Update:
        """Learn from the mistakes among the examples of a batch; see `LearningRule.step`."""
        (batch,) = parts
        x, y = self._numbers(batch)
        course, size = self._course, batch.size
        weight, bias = course.weight.copy(), course.bias
        try:
            check_finite(x)
            mistakes = course.partial_fit(x, y)
        except NonFiniteError as error:
            where = f"step {context.step + 1}, {error.subject} of the batch"
            raise NonFiniteError(where, expected=error.expected, got=error.got, remedy=error.remedy) from error
        self._mistakes_of_epoch += len(mistakes)
        self._answer()
        moved = math.hypot(float(np.linalg.norm(course.weight - weight)), course.bias - bias) / course.rate
        return Update(float(mistakes.losses.sum()) / size, float(len(mistakes)), moved / size, course.rate, float(size))

    def measure(self, batch: Batch) -> Sums:
        """Mean of max(0, -y a) and number of mistakes, for the weights that answer."""
        with torch.inference_mode():
            margins = signs(batch.labels, "targets").to(batch.labels.device) * self._perceptron.score(batch.x)
            loss = float((-margins).clamp(min=0).sum()) / batch.size
            return Sums.of_examples(loss, float((margins <= 0).sum()), batch.size)

    def epoch_ended(self, score: float) -> None:
        """Note whether the epoch was without a mistake."""
        self.finished = self._mistakes_of_epoch == 0
        self._mistakes_of_epoch = 0

    def state_dict(self) -> dict[str, Any]:
        """Return the weights that learn, what the answers need besides, and the counts."""
        course = self._course
        tensors = {name: torch.from_numpy(getattr(course, name).copy()) for name in _TENSORS}
        values = {name: getattr(course, name) for name in _VALUES}
        return tensors | values | {"mistakes_of_epoch": self._mistakes_of_epoch, "finished": self.finished}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        for name in _TENSORS:
            setattr(self._course, name, state[name].cpu().numpy().copy())
        for name in _VALUES:
            setattr(self._course, name, state[name])
        self._mistakes_of_epoch, self.finished = state["mistakes_of_epoch"], state["finished"]

    def _numbers(self, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        self._perceptron.score(batch.x[:0])  # refuses examples of another size
        dtype = self._perceptron.weight.dtype
        x: Tensor = batch.x.flatten(1).to("cpu", dtype)
        return x.numpy(), signs(batch.labels, "targets").to("cpu", dtype).numpy()

    def _answer(self) -> None:
        weight, bias = self._course.answer()
        with torch.no_grad():
            self._perceptron.weight.copy_(torch.from_numpy(weight))
            self._perceptron.bias.fill_(bias)


_TENSORS = ("weight", "other")
_VALUES = ("bias", "other_bias", "seen", "mistakes", "run", "longest")


def separability_notice(examples: Examples) -> str:
    """Say before a run whether it can come to an end: Novikoff's bound, or why there is none.

    Raises DataError: other than two classes, or numbers that are not finite.
    """
    batches = list(in_order(examples, 4096))
    x = torch.cat([batch.x.flatten(1).cpu() for batch in batches])
    if x.numel() > MOST_TESTED:
        return f"not tested whether a hyperplane separates the {len(x):,} training examples: too many"
    found = novikoff(x, torch.cat([batch.labels.cpu() for batch in batches]))
    if isinstance(found, Certificate):
        return (
            f"no hyperplane separates the {len(x):,} training examples: {found}; the mistakes will not end, take "
            "--net.answers pocket or averaged"
        )
    return (
        f"a hyperplane separates the {len(x):,} training examples: at most {found.mistakes:,} mistakes, "
        f"({found.radius:.4g} / {found.margin:.4g})^2: longest example over widest margin (A. Novikoff, 1962)"
    )
