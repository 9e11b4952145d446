"""What a net is asked to make small, as a recipe names it (no torch until it is built)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from neurarium.checks import ConfigError
from neurarium.learning.distillation import check_temperature
from neurarium.learning.targets import check_smoothing, check_transition, uniform_transition
from neurarium.record.schema import Field

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from neurarium.learning.losses import Criterion

LossName = Literal[
    "auto", "cross-entropy", "squared-error", "absolute-error", "binary-cross-entropy", "logistic", "hinge",
    "perceptron", "distillation", "custom",
]  # fmt: skip
_OF_NUMBERS: tuple[LossName, ...] = ("auto", "squared-error", "absolute-error", "custom")
# Constants that have a meaning for classes alone, and their values where they do nothing.
_OF_CLASSES: dict[str, object] = {"smoothing": 0.0, "label_transition": (), "class_weights": (), "balanced": False}


@dataclass(frozen=True)
class Loss:
    """Which loss, what becomes of the labels before it, and its constants.

    All losses are those of `learning.losses`; binary cross-entropy, logistic, hinge and perceptron ask each output
    whether its class is right, one against the rest. "distillation" mixes the answers of the pretrained net with the
    cross-entropy of the labels. "auto" is what the task makes small by itself: cross-entropy for classes, the squared
    error for numbers. "custom" is a function of the user's own, which is passed along. Nets with a learning rule or a
    task of their own (perceptron, autoencoder, gan) take no other.

    Example:
        >>> import torch
        >>> criterion = Loss("hinge").build(Field((), ("cat", "dog")))
        >>> criterion.loss(torch.tensor([[3.0, -0.5]]), torch.tensor([0]), None)  # 0 + 0.5
        tensor(0.5000)
    """

    name: LossName = "auto"
    """Loss to descend on."""
    smoothing: float = 0.0
    """Fraction of each label that is spread over all classes alike, in [0, 1)."""
    label_transition: tuple[tuple[float, ...], ...] = ()
    """Rows of a transition matrix whose column y is the distribution that label y becomes; on the command line all
    numbers, row by row."""
    class_weights: tuple[float, ...] = ()
    """Weight of each class in the loss; the mean over a batch is a weighted one."""
    balanced: bool = False
    """Weigh classes so that each counts the same in the training data: N / (K N_k)."""
    temperature: float = 1.0
    """T, by which teacher and student are softened (distillation)."""
    alpha: float = 1.0
    """Fraction of the teacher, in (0, 1]; the labels have the rest (distillation)."""

    def __post_init__(self) -> None:
        if self.smoothing:
            check_smoothing(self.smoothing)
        if self.temperature != 1:
            check_temperature(self.temperature)
        if not 0 < self.alpha <= 1:
            raise ConfigError("loss.alpha", expected="a number in (0, 1]", got=str(self.alpha))
        if not all(0 <= weight < float("inf") for weight in self.class_weights) or set(self.class_weights) == {0.0}:
            raise ConfigError("loss.class_weights", expected="numbers >= 0, not all 0", got=str(self.class_weights))
        if self.label_transition:
            object.__setattr__(self, "label_transition", _square(self.label_transition))
            check_transition(self.label_transition)
        self._refuse_pair("label_transition", "smoothing")
        self._refuse_pair("class_weights", "balanced")
        self._refuse_ignored()

    def build(self, target: Field, device: torch.device | str = "cpu") -> Criterion:
        """Make the loss that a task calls.

        Raises ConfigError: a constant that does not fit the classes, or one that has no meaning for numbers.
        """
        import torch

        from neurarium.learning import losses
        from neurarium.learning.losses import Criterion

        classes = len(target.categories)
        if not classes:
            self._refuse_classes()
        against_rest = losses.one_vs_rest
        table: dict[str, Callable[..., Tensor]] = {
            **dict.fromkeys(("auto", "custom"), losses.cross_entropy if classes else losses.squared_error),
            "cross-entropy": losses.cross_entropy,
            "squared-error": losses.squared_error,
            "absolute-error": losses.absolute_error,
            "binary-cross-entropy": losses.binary_cross_entropy,
            "logistic": partial(against_rest, losses.logistic),
            "hinge": partial(against_rest, losses.hinge),
            "perceptron": partial(against_rest, losses.perceptron),
            "distillation": losses.cross_entropy,
        }
        label_transition, weights = self._label_transition(classes), self._weights(classes)
        return Criterion(
            table[self.name],
            None if label_transition is None else label_transition.to(device),
            None if weights is None else torch.tensor(weights, device=device),
        )

    def resolved(self, target: Field) -> LossName:
        """The name of the loss that "auto" stands for."""
        if self.name not in ("auto", "custom"):
            return self.name
        return "cross-entropy" if target.categories else "squared-error"

    def with_counts(self, counts: Sequence[int]) -> Loss:
        """The loss with its classes weighted by how often they occur in training, where it is balanced.

        Raises ConfigError: a class that does not occur.
        """
        if not self.balanced:
            return self
        if not counts or 0 in counts:
            got, remedy = f"none of class {list(counts).index(0)}" if counts else "no classes", "give class_weights"
            raise ConfigError("loss.balanced", expected="training examples of every class", got=got, remedy=remedy)
        weights = tuple(sum(counts) / (len(counts) * count) for count in counts)
        return replace(self, balanced=False, class_weights=weights)

    def without_teacher(self) -> Loss:
        """The loss by which a trained net is measured: itself, and for distillation that of the labels alone."""
        if self.name != "distillation":
            return self
        return replace(self, name="cross-entropy", temperature=1.0, alpha=1.0)

    @property
    def weighted(self) -> bool:
        """Whether the mean over a batch is a weighted one."""
        return self.balanced or bool(self.class_weights)

    def _label_transition(self, classes: int) -> Tensor | None:
        import torch

        if self.label_transition:
            check_transition(self.label_transition, classes)
            return torch.tensor(self.label_transition)
        return uniform_transition(classes, self.smoothing) if self.smoothing else None

    def _weights(self, classes: int) -> tuple[float, ...] | None:
        if self.balanced:
            raise ConfigError("loss.balanced", expected="to be told how often each class occurs", got="nothing")
        if self.class_weights and len(self.class_weights) != classes:
            raise ConfigError(
                "loss.class_weights", expected=f"{classes} numbers, one a class", got=str(len(self.class_weights))
            )
        return self.class_weights or None

    def _refuse_pair(self, one: str, other: str) -> None:
        if getattr(self, one) and getattr(self, other):
            raise ConfigError(
                f"loss.{one}", expected=f"either this or loss.{other}", got="both", remedy="leave one out"
            )

    def _refuse_classes(self) -> None:
        """Refuse what has a meaning for classes alone, where the targets are numbers."""
        if self.name not in _OF_NUMBERS:
            raise ConfigError(
                "loss",
                expected=f"one of {', '.join(_OF_NUMBERS)}, as the targets are numbers",
                got=self.name,
                remedy="--loss.name squared-error",
            )
        for name, neutral in _OF_CLASSES.items():
            if getattr(self, name) != neutral:
                raise ConfigError(
                    f"loss.{name}", expected="none, as the targets are numbers", got=str(getattr(self, name))
                )

    def _refuse_ignored(self) -> None:
        """Refuse a constant that has no effect on the loss: it was meant for another."""
        ignored: dict[str, tuple[object, str]] = {}
        if self.name != "distillation":
            ignored = dict.fromkeys(("temperature", "alpha"), (1.0, "the loss distillation"))
        elif self.alpha == 1:
            why = "labels that count: an alpha below 1, or another loss than distillation"
            ignored = {name: (neutral, why) for name, neutral in _OF_CLASSES.items()}
        if self.name == "custom":
            ignored |= {name: (neutral, "a loss of this library") for name, neutral in _OF_CLASSES.items()}
        for name, (neutral, allowed) in ignored.items():
            if getattr(self, name) != neutral:
                raise ConfigError(
                    f"loss.{name}",
                    expected=f"{neutral or 'none'}, as only {allowed} uses it",
                    got=f"{getattr(self, name)} with the loss {self.name}",
                )


def _square(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    """One row of K x K numbers, as the command line gives them, is a matrix row by row."""
    size = round(len(rows[0]) ** 0.5)
    if len(rows) > 1 or size < 2 or size * size != len(rows[0]):
        return rows
    return tuple(rows[0][k : k + size] for k in range(0, size * size, size))
