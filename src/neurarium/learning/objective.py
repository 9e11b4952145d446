"""What a net is asked to make small, as a recipe names it (no torch until it is built)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from neurarium.checks import ConfigError
from neurarium.learning.distillation import check_temperature, distillation
from neurarium.learning.targets import check_confusion, check_smoothing, smooth, uniform_confusion

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from neurarium.learning.criterion import Criterion

ObjectiveName = Literal[
    "cross-entropy",
    "squared-error",
    "absolute-error",
    "binary-cross-entropy",
    "logistic",
    "hinge",
    "perceptron",
    "distillation",
    "reconstruction",
    "own",
]
_ANY_TARGETS: tuple[ObjectiveName, ...] = ("reconstruction", "own")
_OF_NUMBERS: tuple[ObjectiveName, ...] = ("squared-error", "absolute-error", *_ANY_TARGETS)
# Constants that have a meaning for classes alone, and their values where they do nothing.
_OF_CLASSES: dict[str, object] = {"smoothing": 0.0, "confusion": (), "class_weights": (), "balanced": False}


@dataclass(frozen=True)
class Objective:
    """Which loss, what becomes of the labels before it, and its constants.

    All losses are those of `learning.losses`; binary cross-entropy, logistic, hinge and perceptron ask each output
    whether its class is right, one against the rest. "distillation" mixes the answers of the recipe's source with the
    cross-entropy of the labels. "reconstruction" compares outputs with inputs and looks at no labels. "own" leaves the
    choice to the net's own learning rule. Numbers as targets take the squared or the absolute error.

    Example:
        >>> import torch
        >>> criterion = Objective("hinge").build()
        >>> x = torch.zeros(1, 2)
        >>> criterion.loss(torch.tensor([[3.0, -0.5]]), torch.tensor([0]), x)  # 0 + 0.5
        tensor(0.5000)
    """

    name: ObjectiveName = "cross-entropy"
    """Loss to descend on."""
    smoothing: float = 0.0
    """Share of each label that is spread over all classes alike, in [0, 1)."""
    confusion: tuple[tuple[float, ...], ...] = ()
    """Rows of a confusion matrix whose column y is the distribution that label y becomes; on the command line all
    numbers, row by row."""
    class_weights: tuple[float, ...] = ()
    """Weight of each class in the loss; the mean over a batch is a weighted one."""
    balanced: bool = False
    """Weigh classes so that each counts the same in the training data: N / (K N_k)."""
    temperature: float = 1.0
    """T, by which teacher and student are softened (distillation)."""
    share: float = 1.0
    """Share of the teacher, in (0, 1]; the labels have the rest (distillation)."""

    def __post_init__(self) -> None:
        """Refuse constants out of range, and those that the loss would ignore."""
        check_smoothing(self.smoothing)
        check_temperature(self.temperature)
        if not 0 < self.share <= 1:
            raise ConfigError("objective.share", expected="a number in (0, 1]", got=str(self.share))
        if not all(0 <= weight < float("inf") for weight in self.class_weights) or set(self.class_weights) == {0.0}:
            raise ConfigError(
                "objective.class_weights", expected="numbers >= 0, not all 0", got=str(self.class_weights)
            )
        if self.confusion:
            object.__setattr__(self, "confusion", _square(self.confusion))
            check_confusion(self.confusion)
        self._refuse_pair("confusion", "smoothing")
        self._refuse_pair("class_weights", "balanced")
        self._refuse_ignored()

    def build(
        self,
        classes: int | None = None,
        counts: Sequence[int] = (),
        teacher: Callable[[Tensor], Tensor] | None = None,
        device: torch.device | str = "cpu",
        numbers: bool = False,
    ) -> Criterion:
        """Make the functions that a learning rule calls.

        Args:
            classes: how many there are; needed where `smoothing` is used.
            counts: training examples of each class; needed where `balanced` is used.
            teacher: answers the inputs of a batch with logits, without gradient; needed for distillation.
            device: where the loss is computed.
            numbers: the targets are numbers to predict, not class numbers.

        Raises:
            ConfigError: a constant that does not fit the classes, or something needed that is not there.
        """
        from neurarium.learning.criterion import Criterion
        from neurarium.learning.losses import squared_distance, zero_one
        from neurarium.learning.reconstruction import reconstruction_error, reconstruction_loss

        if numbers:
            self._refuse_classes()
        if self.name == "reconstruction":
            return Criterion(loss=reconstruction_loss, error=reconstruction_error)
        if self.name == "own":
            return Criterion(loss=_nobody_knows, error=_nobody_knows)
        hard = self._of_labels(classes, counts, device)
        score = squared_distance if numbers else zero_one

        def error(outputs: Tensor, targets: Tensor, inputs: Tensor) -> Tensor:
            return score(outputs, targets)

        if self.name != "distillation":
            return Criterion(loss=lambda outputs, targets, inputs: hard(outputs, targets), error=error)
        if teacher is None:
            raise ConfigError(
                "source",
                expected="a run whose net is the teacher, for the objective distillation",
                got="none",
                remedy="name a recipe or a run folder: --source lenet5",
            )
        ask = teacher

        def loss(outputs: Tensor, targets: Tensor, inputs: Tensor) -> Tensor:
            return distillation(outputs, ask(inputs), hard(outputs, targets), self.temperature, self.share)

        return Criterion(loss=loss, error=error)

    def without_teacher(self) -> Objective:
        """The objective by which a trained net is measured: itself, and for distillation that of the labels alone."""
        if self.name != "distillation":
            return self
        return replace(self, name="cross-entropy", temperature=1.0, share=1.0)

    @property
    def weighted(self) -> bool:
        """Whether the mean over a batch is a weighted one."""
        return self.balanced or bool(self.class_weights)

    def _of_labels(
        self, classes: int | None, counts: Sequence[int], device: torch.device | str
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """The loss on labels alone: smoothed, weighted, compared with the outputs."""
        import torch

        from neurarium.learning import losses

        against_rest = losses.one_against_rest
        table: dict[str, Callable[..., Tensor]] = {
            "cross-entropy": losses.cross_entropy,
            "squared-error": losses.squared_error,
            "absolute-error": losses.absolute_error,
            "binary-cross-entropy": losses.binary_cross_entropy,
            "logistic": partial(against_rest, losses.logistic),
            "hinge": partial(against_rest, losses.hinge),
            "perceptron": partial(against_rest, losses.perceptron),
            "distillation": losses.cross_entropy,
        }
        chosen, confusion, weights = table[self.name], self._confusion(classes), self._weights(classes, counts)
        matrix = None if confusion is None else confusion.to(device)
        scale = None if weights is None else torch.tensor(weights, device=device)

        def loss(outputs: Tensor, targets: Tensor) -> Tensor:
            if matrix is not None:
                targets = smooth(targets, matrix.to(outputs.dtype))
            return chosen(outputs, targets, None if scale is None else scale.to(outputs.dtype))

        return loss

    def _confusion(self, classes: int | None) -> Tensor | None:
        import torch

        if self.confusion:
            check_confusion(self.confusion, classes)
            return torch.tensor(self.confusion)
        if not self.smoothing:
            return None
        if classes is None:
            raise ConfigError("objective.smoothing", expected="the number of classes", got="none")
        return uniform_confusion(classes, self.smoothing)

    def _weights(self, classes: int | None, counts: Sequence[int]) -> list[float] | None:
        if self.class_weights and classes is not None and len(self.class_weights) != classes:
            raise ConfigError(
                "objective.class_weights", expected=f"{classes} numbers, one a class", got=str(len(self.class_weights))
            )
        if not self.balanced:
            return list(self.class_weights) or None
        if not counts or 0 in counts:
            empty = f"none of class {list(counts).index(0)}" if counts else "no counts of the classes"
            raise ConfigError(
                "objective.balanced",
                expected="training examples of every class",
                got=empty,
                remedy="give class_weights",
            )
        return [sum(counts) / (len(counts) * count) for count in counts]

    def _refuse_pair(self, one: str, other: str) -> None:
        if getattr(self, one) and getattr(self, other):
            raise ConfigError(
                f"objective.{one}", expected=f"either this or objective.{other}", got="both", remedy="leave one out"
            )

    def _refuse_classes(self) -> None:
        """Refuse what has a meaning for classes alone, where the targets are numbers."""
        if self.name not in _OF_NUMBERS:
            raise ConfigError(
                "objective",
                expected=f"one of {', '.join(_OF_NUMBERS)}, as the targets are numbers",
                got=self.name,
                remedy="--objective.name squared-error",
            )
        for name, neutral in _OF_CLASSES.items():
            if getattr(self, name) != neutral:
                raise ConfigError(
                    f"objective.{name}", expected="none, as the targets are numbers", got=str(getattr(self, name))
                )

    def _refuse_ignored(self) -> None:
        """Refuse a constant that has no effect on the loss: it was meant for another."""
        ignored: dict[str, tuple[object, str]] = {}
        if self.name != "distillation":
            ignored = dict.fromkeys(("temperature", "share"), (1.0, "the objective distillation"))
        if self.name in _ANY_TARGETS:
            ignored |= {name: (neutral, "an objective that looks at labels") for name, neutral in _OF_CLASSES.items()}
        elif self.name == "distillation" and self.share == 1:
            why = "labels that count: a share below 1, or another objective than distillation"
            ignored = {name: (neutral, why) for name, neutral in _OF_CLASSES.items()}
        for name, (neutral, allowed) in ignored.items():
            if getattr(self, name) != neutral:
                raise ConfigError(
                    f"objective.{name}",
                    expected=f"{neutral or 'none'}, as only {allowed} uses it",
                    got=f"{getattr(self, name)} with the objective {self.name}",
                )


def _nobody_knows(outputs: Tensor, targets: Tensor, inputs: Tensor) -> Tensor:
    raise ConfigError(
        "objective",
        expected="one that a gradient can be taken of, as this net has no learning rule of its own",
        got="own",
        remedy="--objective.name cross-entropy, squared-error or reconstruction",
    )


def _square(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    """One row of K x K numbers, as the command line gives them, is a matrix row by row."""
    size = round(len(rows[0]) ** 0.5)
    if len(rows) > 1 or size < 2 or size * size != len(rows[0]):
        return rows
    return tuple(rows[0][k : k + size] for k in range(0, size * size, size))
