"""Learning a net that is linear in its parameters to the optimum: an epoch of sums, then one step for all of them.

    f(W, b) = 1/N sum_n L(outputs(W z_n + b), t_n) + l2/2 |W|^2,    z_n the net's fixed features, l2 = `optimizer.l2`

Each epoch adds up value and gradient of f over its batches, the first one the features' covariance G~ too, and moves:

    squared error     one step by (G~ + l2 I)^-1 ends at the minimum: closed form after the first epoch
    cross-entropy     quasi-Newton steps around the bound 1/2 G~ + l2 I on the second derivatives, one an epoch
    one sigmoid each  (logistic, binary-cross-entropy) likewise around 1/4 G~ + l2 I

The intercept b is not penalized. Memory holds sums alone: features^2 numbers, whatever the number of examples. Learning
begins at W = 0, b = 0 whatever weights the net came with: the function is convex, and among several minima the one of
least norm is reached from there, with a notice. The size and order of batches change the result by rounding.

What an epoch reports of the training examples is their loss, without penalty, at the point where the epoch began;
the validation set is measured after its step. A step that does not lower f enough is halved at the next epoch's end.

Source: J. Nocedal, "Updating quasi-Newton matrices with limited storage", 1980; D. Boehning, "Multinomial logistic
regression algorithm", 1992.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import torch
from jaxtyping import Float64
from torch import Tensor

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.learning.least_squares import SingularDesignWarning, check_finite
from neurarium.learning.normal_equations import NormalEquations, product
from neurarium.learning.quasi_newton import QuasiNewton
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import LinearInParameters
from neurarium.tasks.task import Context
from neurarium.training.device import to_floats
from neurarium.training.rules.gradient import trainable
from neurarium.training.rules.label_loss import label_loss
from neurarium.training.rules.measured import measured
from neurarium.training.rules.rule import LearningRule, Setup, Sums, Update

CURVATURE = {"squared-error": 1.0, "cross-entropy": 0.5, "binary-cross-entropy": 0.25, "logistic": 0.25}
"""Largest second derivative of each loss with respect to the outputs; that of the squared error is all there is."""
EXACT_FEATURES = 1000
"""Up to so many features their products are taken in float64, above in float32; sums always in float64."""


class ClosedFormRule(LearningRule):
    """Learning rule: sums over an epoch, then a step to the minimum of their quadratic.

    Raises ConfigError: a net that is not `LinearInParameters`, or a task whose loss is none of `CURVATURE`.
    """

    # every optimizer has a rate, which plays no part here; intercepts never decay
    follows: ClassVar[frozenset[str]] = frozenset(
        {
            "loss.name=auto|squared-error|cross-entropy|binary-cross-entropy|logistic", "loss.smoothing",
            "loss.label_transition", "optimizer.name=closed-form", "optimizer.lr", "optimizer.l2",
            "optimizer.decay_params",
        }
    )  # fmt: skip

    def __init__(self, setup: Setup) -> None:
        net, recipe = setup.net, setup.recipe
        self._model = expect(net, LinearInParameters, "a solution in closed form")
        trained = [name for name, p in net.named_parameters() if p.requires_grad]
        if set(trained) != {"head.weight", "head.bias"}:
            raise ConfigError(
                "net",
                expected="one whose only trainable layer is affine, for a solution in closed form",
                got=f"{type(net).__name__} with the parameters {', '.join(trained) or 'none'}",
                remedy="take linear, logistic or random-features, or another optimizer",
            )
        self._curvature = CURVATURE[label_loss(setup, "a solution in closed form")]
        self.net, self.notices = net, list[str]()
        self.task, self.device_config = trainable(setup.task), setup.device_config
        self._l2 = recipe.optimizer.l2
        self._batches = setup.total_steps // recipe.epochs
        self._rows, self._features = self._model.head.weight.shape
        device = self._model.head.weight.device
        self._sums = NormalEquations(self._features, device=device)
        self._descent = QuasiNewton(torch.zeros(self._rows * (self._features + 1), device=device).double())
        self._measured = False
        self._weight, self._bias = self._split(self._descent.point)
        self._clear()

    def step(self, parts: tuple[Batch, ...], context: Context) -> Update:
        """Add a batch to the sums, and move after the last one of an epoch; see `LearningRule.step`.

        Raises DataError: an input is infinite or undefined; NonFiniteError: a feature or the loss is.
        """
        (batch,) = parts
        if context.step == 0:
            self._write()  # the net begins at 0
        with torch.no_grad(), self.device_config.autocast():
            z = self._model.features(*batch.inputs)
        if self._features <= EXACT_FEATURES:
            z = z.double()
        loss, errors, by_scores = self._look(z, batch)
        if not loss.isfinite():
            check_finite(batch.x, f"inputs of batch {context.step + 1}")
            raise NonFiniteError(
                f"step {context.step + 1}",
                expected="a finite loss",
                got=str(float(loss)),
                remedy="scale the inputs",
            )
        if not self._measured:
            with self.device_config.autocast():
                self._sums.add(z)
        by_weight = product(by_scores.to(z.dtype), z).double()
        self._value += loss * batch.size
        self._by_weight += by_weight
        self._by_bias += by_scores.sum(0)
        self._count += batch.size
        moves = (context.step + 1) % self._batches == 0
        if moves:
            self._move()
        slope = by_weight / batch.size + self._l2 * self._weight
        norm = torch.cat([slope.flatten(), by_scores.sum(0) / batch.size]).norm()
        value, wrong, length = to_floats(loss, errors, norm)
        return Update(value, wrong, length, self._descent.length if moves else 0.0, float(batch.size))

    def measure(self, batch: Batch) -> Sums:
        """Measure a batch, learning nothing."""
        return measured(self.net, self.task, self.device_config, batch)

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
        self._place()

    def _look(self, z: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Float64[Tensor, "batch rows"]]:
        """Mean loss, errors, and the derivative of the summed loss by what the affine layer says."""
        a = (z @ self._weight.T.to(z.dtype)).double() + self._bias
        with torch.enable_grad():
            scores = a.requires_grad_()
            outputs = self._model.outputs(scores)
            loss = self.task.loss(outputs, batch, self.task.counts(batch))
            (gradient,) = torch.autograd.grad(loss, scores)
        return loss.detach(), self.task.errors(outputs.detach(), batch), gradient * batch.size

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
        """The inverse of the curvature in centered features, where it has no entries between W and b."""
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
        self._place()
        with torch.no_grad():
            self._model.head.weight.copy_(self._weight)
            self._model.head.bias.copy_(self._bias)

    def _place(self) -> None:
        weight, centered = self._split(self._descent.point)
        self._weight, self._bias = weight, centered - weight @ self._sums.mean if self._measured else centered

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
