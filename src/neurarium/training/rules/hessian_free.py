"""Learning by Hessian-free steps: a gradient on the whole batch, curvature on a part of it, one good step.

    g = grad f(W)                                      whole batch
    (G + (l2 + lambda) I) p = -g                       conjugate gradients, G on a part of the batch
    p <- the iterate with the lowest f(W + p)          backtracking, whole batch
    lambda by rho = (f(W + p) - f(W)) / q(p)           damping
    W <- (1 - eta weight_decay) W + a p                a by a line search, whole batch

f holds l2/2 |W|^2 beside the loss; what is reported is the loss. A step costs as much as hundreds of gradient steps on
the same examples, and is worth it on large batches: set `batch_size` to thousands.

Dropout is drawn once in a step: the generators are set back before every look at the net, so that objective, gradient
and curvature are those of one thinned net. Batch normalization is refused: an example's outputs depend there on the
others of its batch, and every look would move the running statistics.

Source: J. Martens, "Deep learning via Hessian-free optimization", 2010; J. Martens, I. Sutskever, "Training deep and
recurrent networks with Hessian-free optimization", 2012.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.learning.hessian_free.conjugate_gradient import conjugate_gradient
from neurarium.learning.hessian_free.damping import adapted, reduction_ratio
from neurarium.learning.hessian_free.gauss_newton import fisher_diagonal, gauss_newton
from neurarium.learning.hessian_free.line_search import best_iterate, line_search
from neurarium.learning.hessian_free.vector import Parameters, to_parameters, to_vector
from neurarium.tasks.task import Context, tensor_of
from neurarium.training.device import to_floats
from neurarium.training.diagnosis import first_non_finite
from neurarium.training.rules.descent import augmented
from neurarium.training.rules.gradient import trainable
from neurarium.training.rules.measured import measured
from neurarium.training.rules.rule import LearningRule, Setup, Sums, Update
from neurarium.training.seed import generator_states, restore_generators

FISHER_DRAWS, FISHER_EXAMPLES = 16, 256
"""Backward passes and examples of the preconditioner, which may be rough."""


class HessianFreeRule(LearningRule):
    """Learning rule: damped Gauss-Newton steps on a loss that is convex in the outputs.

    Raises ConfigError: a task without a loss, or a net with batch normalization.
    """

    # the rate is that of the weight decay alone
    follows: ClassVar[frozenset[str]] = frozenset(
        {
            "loss.*", "optimizer.name=hessian-free", "optimizer.lr", "optimizer.l2", "optimizer.weight_decay",
            "optimizer.hessian_free.*", "schedule.name=constant|step|exponential|cosine|linear|inverse-sqrt",
            "schedule.*", "augmentation.*",
        }
    )  # fmt: skip

    def __init__(self, setup: Setup) -> None:
        _refuse_batch_statistics(setup.net)
        recipe = setup.recipe
        self.net, self.notices = setup.net, list[str]()
        self.task, self.device_config = trainable(setup.task), setup.device_config
        self.damping = recipe.optimizer.hessian_free.damping
        self._settings = recipe.optimizer.hessian_free
        self._optimizer = recipe.optimizer
        self._factor = recipe.schedule.factor(setup.total_steps)
        self._augmentation, self._schema = recipe.augmentation, setup.schema
        self._trained = {name: p for name, p in setup.net.named_parameters() if p.requires_grad}
        self._direction = torch.zeros_like(to_vector(p.detach() for p in self._trained.values()))
        self._draws = generator_states()
        self._context = Context()

    def step(self, parts: tuple[Batch, ...], context: Context) -> Update:
        """Take one step; see `LearningRule.step`. The learning rate reported is the step's fraction of its direction.

        Raises ConfigError: the examples of a batch are not rows, of which a part can be taken; ShapeError: a net that
        answers with more than one tensor.
        """
        (batch,) = parts
        if self._augmentation.active:
            batch = augmented(batch, self._augmentation, self._schema)
        batch = self.task.drawn(batch, context)
        self._draws, self._context = generator_states(), context
        parameters = {name: p.detach() for name, p in self._trained.items()}
        loss, errors, data_gradient = self._gradient(parameters, batch)
        norm = float(data_gradient.norm())
        if not math.isfinite(loss + norm):
            where = first_non_finite(self.net, self.task, batch, self.device_config, context)
            raise _non_finite(where, context.step, f"loss {loss:g}, gradient norm {norm:g}")
        l2, weights = self._optimizer.l2, to_vector(parameters.values())
        gradient, before = data_gradient + l2 * weights, loss + l2 / 2 * float(weights @ weights)

        def objective(move: Tensor) -> float:
            moved = weights + move
            return self._loss(to_parameters(moved, parameters), batch) + l2 / 2 * float(moved @ moved)

        try:
            move, after, predicted = self._propose(parameters, batch, gradient, objective)
        except NonFiniteError as error:
            raise _non_finite(error.subject, context.step, f"{error.got} as curvature") from error
        slope = float(gradient @ move)
        rate, _ = line_search(lambda a: objective(a * move), before, slope, after)
        self.damping = adapted(self.damping, reduction_ratio(after - before, predicted))
        kept = 1 - self._optimizer.lr * self._factor(context.step) * self._optimizer.weight_decay
        with torch.no_grad():
            for parameter, part in zip(
                self._trained.values(), to_parameters(rate * move, parameters).values(), strict=True
            ):
                parameter.mul_(kept).add_(part)
        return Update(loss, errors, norm, rate, float(self.task.counts(batch)[-1]))

    def measure(self, batch: Batch) -> Sums:
        """Measure a batch, learning nothing."""
        return measured(self.net, self.task, self.device_config, batch)

    def state_dict(self) -> dict[str, Any]:
        """Return damping and the direction from which the next conjugate gradients start."""
        return {"damping": self.damping, "direction": self._direction}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self._direction = self._direction.clone().copy_(state["direction"])
        self.damping = float(state["damping"])

    def _propose(
        self, parameters: Parameters, batch: Batch, gradient: Tensor, objective: Callable[[Tensor], float]
    ) -> tuple[Tensor, float, float]:
        """Return a step, the objective after it, and the change that the model predicts."""
        settings, l2 = self._settings, self._optimizer.l2
        part = _first(batch, math.ceil(settings.curvature * batch.size))
        restore_generators(self._draws)
        curvature = gauss_newton(lambda p: self._outputs(p, part), self._loss_of(part), parameters)
        start, preconditioner = settings.warm_start * self._direction, self._preconditioner(parameters, part)
        damped, limits = (lambda v: curvature(v) + (l2 + self.damping) * v), (settings.iterations, settings.tolerance)
        solution = conjugate_gradient(damped, -gradient, start, preconditioner, *limits)
        self._direction = solution.iterates[-1]
        candidates = solution.iterates if settings.backtracking else solution.iterates[-1:]
        move, after = best_iterate(objective, candidates)
        predicted = float(gradient @ move) + float(move @ (curvature(move) + l2 * move)) / 2
        return move, after, predicted

    def _preconditioner(self, parameters: Parameters, part: Batch) -> Tensor | None:
        """(D + l2 + lambda)^0.75, D the mean squared gradient of single examples; none where it is switched off."""
        exponent = self._settings.preconditioner
        if exponent == 0:
            return None
        few = _first(part, FISHER_EXAMPLES)
        signs = torch.randint(0, 2, (FISHER_DRAWS, few.size), device=few.x.device) * 2.0 - 1
        diagonal = fisher_diagonal(lambda p: self._outputs(p, few), self._loss_of(few), parameters, signs)
        return (diagonal + self._optimizer.l2 + self.damping) ** exponent

    def _outputs(self, parameters: Parameters, batch: Batch) -> Tensor:
        """Outputs of the net with these weights."""

        def net(*inputs: Tensor) -> Any:
            return functional_call(self.net, parameters, inputs)

        with self.device_config.autocast():
            return tensor_of(self.task.forward(net, batch, self._context), "hessian-free")

    def _loss_of(self, batch: Batch) -> Callable[[Tensor], Tensor]:
        counts = self.task.counts(batch)
        return lambda outputs: self.task.loss(outputs, batch, counts)

    def _loss(self, parameters: Parameters, batch: Batch) -> float:
        restore_generators(self._draws)
        with torch.no_grad():
            return float(self._loss_of(batch)(self._outputs(parameters, batch)))

    def _gradient(self, parameters: Parameters, batch: Batch) -> tuple[float, float, Tensor]:
        """Loss, number of errors, and gradient on a batch."""
        restore_generators(self._draws)
        leaves = {name: p.clone().requires_grad_() for name, p in parameters.items()}
        outputs = self._outputs(leaves, batch)
        loss = self._loss_of(batch)(outputs)
        gradients = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
        mean, errors = to_floats(loss.detach(), self.task.errors(outputs.detach(), batch))
        return mean, errors, to_vector(gradients)


def _non_finite(where: str, step: int, got: str) -> NonFiniteError:
    return NonFiniteError(
        f"step {step + 1}, {where}",
        expected="finite numbers",
        got=got,
        remedy="raise --optimizer.hessian-free.damping; the weights were not updated",
    )


def _first(batch: Batch, count: int) -> Batch:
    """The first examples of a batch.

    Raises ConfigError: its tensors have other than a row an example, as those of joined graphs.
    """
    if any(len(tensor) != batch.size for tensor in (*batch.inputs, *batch.targets)):
        raise ConfigError(
            "optimizer.name",
            expected="another optimizer for examples that are joined in a batch, not rows of it",
            got="hessian-free",
            remedy="take adam",
        )
    index = None if batch.index is None else batch.index[:count]
    return replace(batch.map(lambda tensor: tensor[:count]), size=min(count, batch.size), index=index)


def _refuse_batch_statistics(net: nn.Module) -> None:
    for name, layer in net.named_modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            raise ConfigError(
                "optimizer.name",
                expected="an optimizer other than hessian-free with batch normalization",
                got=f"hessian-free and layer {name} ({type(layer).__name__})",
                remedy="normalize by layer or group, or take adam",
            )
