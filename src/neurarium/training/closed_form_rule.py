"""Learning a net that is linear in its parameters to the optimum: an epoch of sums, then one step for all of them.

    f(W, b) = 1/N sum_n L(outputs(W z_n + b), t_n) + l2/2 |W|^2,    z_n the net's fixed features, l2 = `optimiser.l2`

Each epoch adds up value and gradient of f over its batches, the first one the features' covariance G~ too, and moves:

    squared error     one step by (G~ + l2 I)^-1 ends at the minimum: closed form after the first epoch
    cross-entropy     quasi-Newton steps around the bound 1/2 G~ + l2 I on the second derivatives, one an epoch
    one sigmoid each  (logistic, binary-cross-entropy) likewise around 1/4 G~ + l2 I

The intercept b is not penalised. Memory holds sums alone: features^2 numbers, whatever the number of examples. Learning
begins at W = 0, b = 0 whatever weights the net came with: the function is convex, and among several minima the one of
least norm is reached from there, with a notice. The size and order of batches change the result by rounding.

What an epoch reports of the training examples is their objective, without penalty, at the point where the epoch began;
the development set is measured after its step. A step that does not lower f enough is halved at the next epoch's end.

Source: J. Nocedal, "Updating quasi-Newton matrices with limited storage", 1980; D. Boehning, "Multinomial logistic
regression algorithm", 1992.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor, nn

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.data.examples import Examples
from neurarium.learning.criterion import Criterion
from neurarium.learning.least_squares import SingularDesignWarning, check_finite
from neurarium.learning.normal_equations import NormalEquations, product
from neurarium.learning.quasi_newton import QuasiNewton
from neurarium.nets.feedforward.regression import LinearInParameters
from neurarium.training.device import Placement, to_floats
from neurarium.training.recipe import Recipe
from neurarium.training.rule import Update

CURVATURE = {"squared-error": 1.0, "cross-entropy": 0.5, "binary-cross-entropy": 0.25, "logistic": 0.25}
"""Largest second derivative of each loss with respect to the outputs; that of the squared error is all there is."""
EXACT_FEATURES = 1000
"""Up to so many features their products are taken in float64, above in float32; sums always in float64."""


class ClosedFormRule:
    """Learning rule: sums over an epoch, then a step to the minimum of their quadratic.

    Args:
        net: on its device, of the form `LinearInParameters`.
        recipe: its objective and `optimiser.l2`; rate, schedule and momentum have no part in this.
        placement: where to compute the features.
        criterion: what to make small.
        total_steps: batches of the whole run.
        classes: not needed.

    Raises:
        ConfigError: another kind of net, an objective without bounded second derivatives, or a setting that a step
            over whole epochs cannot follow.
    """

    finished = False

    def __init__(
        self,
        net: nn.Module,
        recipe: Recipe,
        placement: Placement,
        criterion: Criterion,
        total_steps: int,
        classes: int | None = None,
    ) -> None:
        _refuse(net, recipe)
        self.notices: list[str] = []
        assert isinstance(net, LinearInParameters)
        self.net: nn.Module = net
        self.criterion, self.placement = criterion, placement
        self._model: LinearInParameters = net
        self._l2, self._curvature = recipe.optimiser.l2, CURVATURE[recipe.objective.name]
        self._batches = total_steps // recipe.epochs
        self._rows, self._features = net.head.weight.shape
        device = net.head.weight.device
        self._sums = NormalEquations(self._features, device=device)
        self._descent = QuasiNewton(torch.zeros(self._rows * (self._features + 1), device=device).double())
        self._measured = False
        self._weight, self._bias = self._split(self._descent.point)
        self._clear()

    def look_at(self, examples: Examples) -> None:
        """Take no look; see `LearningRule.look_at`."""

    def step(self, batch: Batch, step: int) -> Update:
        """Add a batch to the sums, and move after the last one of an epoch; see `LearningRule.step`.

        Raises:
            DataError: an input is infinite or undefined.
            NonFiniteError: a feature or the objective is.
        """
        if step == 0:
            self._write()  # the net begins at 0
        with torch.no_grad(), self.placement.computing():
            z = self._model.features(batch.inputs)
        if self._features <= EXACT_FEATURES:
            z = z.double()
        objective, errors, by_scores = self._look(z, batch)
        if not objective.isfinite():
            check_finite(batch.inputs, f"inputs of batch {step + 1}")
            raise NonFiniteError(
                f"step {step + 1}", expected="a finite objective", got=str(float(objective)), remedy="scale the inputs"
            )
        if not self._measured:
            with self.placement.computing():
                self._sums.add(z)
        by_weight = product(by_scores.to(z.dtype), z).double()
        self._value += objective * len(batch)
        self._by_weight += by_weight
        self._by_bias += by_scores.sum(0)
        self._count += len(batch)
        moves = (step + 1) % self._batches == 0
        if moves:
            self._move()
        slope = by_weight / len(batch) + self._l2 * self._weight
        norm = torch.cat([slope.flatten(), by_scores.sum(0) / len(batch)]).norm()
        value, wrong, length = to_floats(objective, errors, norm)
        return Update(value, wrong, length, learning_rate=self._descent.length if moves else 0.0)

    def measure(self, batch: Batch) -> tuple[float, float]:
        """Return the sums over the batch of objective and errors."""
        with torch.inference_mode(), self.placement.computing():
            outputs = self.net(batch.inputs)
            objective = self.criterion.loss(outputs.float(), batch.targets, batch.inputs)
            mean, errors = to_floats(objective, self.criterion.error(outputs, batch.targets, batch.inputs))
        return mean * len(batch), errors

    def epoch_ended(self, score: float) -> None:
        """Take note of an epoch's score; see `LearningRule.epoch_ended`."""

    def state_dict(self) -> dict[str, Any]:
        """Return the point in float64, the remembered curvature, and the sums so far."""
        sums = {"count": self._sums.count, "inputs": self._sums.sum_inputs, "products": self._sums.products}
        epoch = {"value": self._value, "by_weight": self._by_weight, "by_bias": self._by_bias, "count": self._count}
        return {"descent": self._descent.state_dict(), "sums": sums, "epoch": epoch, "measured": self._measured}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        device = self._sums.products.device
        sums, epoch = state["sums"], state["epoch"]
        self._sums.count = int(sums["count"])
        self._sums.sum_inputs, self._sums.products = sums["inputs"].to(device), sums["products"].to(device)
        self._descent.load_state_dict(_to(state["descent"], device))
        self._value, self._count = epoch["value"].to(device), int(epoch["count"])
        self._by_weight, self._by_bias = epoch["by_weight"].to(device), epoch["by_bias"].to(device)
        self._measured = bool(state["measured"])
        if self._measured:
            self._descent.precondition = self._preconditioner()
        weight, centred = self._split(self._descent.point)
        self._weight, self._bias = weight, centred - weight @ self._sums.mean if self._measured else centred

    def _look(self, z: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Float64[Tensor, "batch rows"]]:
        """Mean objective, errors, and the derivative of the summed objective by what the affine layer says."""
        a = (z @ self._weight.T.to(z.dtype)).double() + self._bias
        with torch.enable_grad():
            scores = a.requires_grad_()
            outputs = self._model.outputs(scores)
            objective = self.criterion.loss(outputs, batch.targets, batch.inputs)
            (gradient,) = torch.autograd.grad(objective, scores)
        return (
            objective.detach(),
            self.criterion.error(outputs.detach(), batch.targets, batch.inputs),
            gradient * len(batch),
        )

    def _move(self) -> None:
        """Tell the descent what the epoch found and go where it says."""
        if not self._measured:
            self._descent.precondition = self._preconditioner()
            self._measured = True
        weight, _ = self._split(self._descent.point)
        by_bias = self._by_bias / self._count
        by_weight = self._by_weight / self._count - torch.outer(by_bias, self._sums.mean) + self._l2 * weight
        value = float(self._value) / self._count + self._l2 / 2 * float(weight.square().sum())
        self._descent.tell(value, torch.cat([by_weight.flatten(), by_bias]))
        self._write()
        self._clear()

    def _preconditioner(self) -> Callable[[Tensor], Tensor]:
        """The inverse of the curvature in centred features, where it has no entries between W and b."""
        with _noted(self.notices):
            inverse, _ = self._sums.inverse(self._l2, self._curvature)

        def apply(v: Tensor) -> Tensor:
            weight, bias = self._split(v)
            return torch.cat([inverse(weight).flatten(), bias / self._curvature])

        return apply

    def _split(self, v: Tensor) -> tuple[Tensor, Tensor]:
        cut = self._rows * self._features
        return v[:cut].view(self._rows, self._features), v[cut:]

    def _write(self) -> None:
        """Give the net the point that the descent has reached."""
        weight, centred = self._split(self._descent.point)
        self._weight, self._bias = weight, centred - weight @ self._sums.mean if self._measured else centred
        with torch.no_grad():
            self._model.head.weight.copy_(self._weight)
            self._model.head.bias.copy_(self._bias)

    def _clear(self) -> None:
        """Begin the sums of an epoch."""
        zeros = torch.zeros_like(self._descent.point)
        self._value, self._count = zeros.new_zeros(()), 0
        self._by_weight, self._by_bias = self._split(zeros)


@contextlib.contextmanager
def _noted(notices: list[str]) -> Iterator[None]:
    """Say by a notice, which the run's record keeps, that a design is singular; other warnings stay what they are."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SingularDesignWarning)
        yield
    for warning in caught:
        if issubclass(warning.category, SingularDesignWarning):
            notices.append(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def _to(state: Any, device: torch.device) -> Any:
    """Move the tensors of a nested state."""
    if isinstance(state, Tensor):
        return state.to(device)
    if isinstance(state, dict):
        return {name: _to(value, device) for name, value in state.items()}
    return [_to(value, device) for value in state] if isinstance(state, list) else state


def _refuse(net: nn.Module, recipe: Recipe) -> None:
    """Refuse what sums over whole epochs cannot follow."""
    trained = {name for name, p in net.named_parameters() if p.requires_grad}
    if not isinstance(net, LinearInParameters) or trained != {"head.weight", "head.bias"}:
        raise ConfigError(
            "net",
            expected="one whose only trainable layer is affine, for a solution in closed form",
            got=type(net).__name__,
            remedy="take linear, logistic or random-features, or another optimiser",
        )
    if recipe.objective.name not in CURVATURE or recipe.objective.weighted:
        raise ConfigError(
            "objective",
            expected=f"one of {', '.join(CURVATURE)}, its classes not weighted, for a solution in closed form",
            got=recipe.objective.name + (" with weighted classes" if recipe.objective.weighted else ""),
        )
    settings = {
        "precision": ("float32", recipe.precision),
        "gradients": ("autograd", recipe.gradients),
        "accumulate": (1, recipe.accumulate),
        "clip_norm": (None, recipe.clip_norm),
        "compile": (False, recipe.compile),
        "optimiser.weight_decay": (0.0, recipe.optimiser.weight_decay),
        "schedule.name": ("constant", recipe.schedule.name),
        "augmentation": (False, recipe.augmentation.active),
    }
    for name, (only, value) in settings.items():
        if value != only:
            expected = f"{'none' if only in (None, False) else only} for a solution in closed form"
            raise ConfigError(name, expected=expected, got=str(value))
