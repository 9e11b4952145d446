"""Contrastive divergence: a Boltzmann machine learns by what the data show and its own chains do not.

    g = mean_data dF/dtheta - mean_chains dF/dtheta;    theta <- optimizer(theta, g, eta(t))

CD-k begins the chains at the hidden states drawn for the batch and runs them k steps. Persistent CD-k lets them go on
from where the last update left them: h is kept, for weights that have moved but little since.

Reported are, for the reconstruction v' from hidden units drawn once given v, in training and measurement alike,

    loss   -sum_i v_i log v'_i + (1 - v_i) log(1 - v'_i)      cross-entropy in nats, mean over the examples
                 sum_i (v_i - v'_i)^2 / 2                          Gaussian visibles
    errors      mean_i (v_i - v'_i)^2                              summed over the examples

Neither is what the rule descends on (-log P(v) costs the sum over all states, see `nets.connectionist.annealed`), and
persistent chains may make a better model with a worse reconstruction. Labels are not looked at.

Source: G. Hinton, "Training products of experts by minimizing contrastive divergence", 2002; T. Tieleman, "Training
restricted Boltzmann machines using approximations to the likelihood gradient", 2008.
"""

import math
from typing import Any, ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from neurarium.checks import NonFiniteError
from neurarium.data.batch import Batch
from neurarium.nets.connectionist.bernoulli import draw, reconstruction_entropy
from neurarium.nets.connectionist.rbm import (
    RBM,
    check_unit_interval,
    contrastive_gradient,
    free_energy_gradient,
    gibbs,
    hidden_probabilities,
    visible_field,
    visible_mean,
)
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.expect import expect
from neurarium.tasks.task import Context
from neurarium.training.device import to_floats
from neurarium.training.rules.descent import DescentRule, augmented, gradients_of, total
from neurarium.training.rules.rule import Setup, Sums, Update

# Of the draws in a measurement: the same every time, and none of them the run's.
_MEASUREMENT_SEED = 0


class ContrastiveRule(DescentRule):
    """Learning rule: CD-k or persistent CD-k, followed by an optimizer.

    Raises ConfigError: a net that is no Boltzmann machine.
    """

    follows: ClassVar[frozenset[str]] = frozenset(
        {"optimizer.*", "schedule.*", "augmentation.*", "micro_batches", "clip_norm", "precision"}
    )

    def __init__(self, setup: Setup) -> None:
        self._rbm = expect(setup.net, RBM, "contrastive divergence")
        super().__init__(setup)
        spec = cast(RBMSpec, setup.recipe.net)
        self._augmentation, self._schema, self._steps = setup.recipe.augmentation, setup.schema, spec.k
        self._chains: Tensor | None = None
        if spec.persistent:
            self._chains = draw(torch.full((spec.chains, len(self._rbm.hidden_bias)), 0.5)).to(self._rbm.weight)

    def step(self, parts: tuple[Batch, ...], context: Context) -> Update:
        """Move the data up and the chains down; see `LearningRule.step`."""
        if self._augmentation.active:
            parts = tuple(augmented(part, self._augmentation, self._schema) for part in parts)
        self._forget_gradients()
        size = sum(part.size for part in parts)
        losses, errors = [], []
        for part in parts:
            fraction = part.size / size
            mean, wrong = self._contrast(part.x, fraction)
            losses.append(mean if fraction == 1.0 else fraction * mean)
            errors.append(wrong)
        values = to_floats(total(losses), total(errors), *torch._foreach_norm(gradients_of(self.parameters)))
        update = Update(values[0], values[1], math.hypot(*values[2:]), self._rate(context), float(size))
        if not math.isfinite(update.loss + update.gradient_norm):
            raise self._non_finite(context, update)
        self._move(update.learning_rate, update.gradient_norm)
        return update

    def measure(self, batch: Batch) -> Sums:
        """Measure a batch; the run's random generators stand still."""
        with torch.inference_mode(), self.device_config.autocast():
            generator = torch.Generator(self._rbm.weight.device).manual_seed(_MEASUREMENT_SEED)
            v, w = self._visible(batch.x), self._rbm.weights
            field = visible_field(w, draw(hidden_probabilities(w, v), generator))
            loss, errors = to_floats(*self._scores(v, field, visible_mean(field, self._rbm.visible)))
        return Sums.of_examples(loss, errors, batch.size)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the descent, and the persistent chains."""
        chains = {} if self._chains is None else {"chains": self._chains}
        return super().state_dict() | chains

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        super().load_state_dict(state)
        if self._chains is not None:
            self._chains = state["chains"].to(self._rbm.weight)

    def _contrast(self, inputs: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
        """Add the gradient of some examples, weighted by their fraction of the batch; return their scores."""
        w = self._rbm.weights
        # what computes no products stands outside `computing`, which costs some microseconds an operation
        with torch.no_grad():
            v = self._visible(inputs)
            with self.device_config.autocast():
                p = hidden_probabilities(w, v)
                field = visible_field(w, draw(p))
            mean = visible_mean(field, self._rbm.visible)
            scores = self._scores(v, field, mean)
            with self.device_config.autocast():
                if self._chains is not None:
                    field = visible_field(w, self._chains)
                    mean = visible_mean(field, self._rbm.visible)
                at_end, p_at_end = gibbs(w, field, self._steps, self._rbm.visible, mean=mean)
                at_data, at_model = free_energy_gradient(v, p), free_energy_gradient(at_end, p_at_end)
            gradient = contrastive_gradient(at_data, at_model)
            if self._chains is not None:
                self._chains = draw(p_at_end)
            for parameter, g in zip(w, gradient, strict=True):
                g = g if fraction == 1.0 else g.mul_(fraction)
                parameter.grad = g if parameter.grad is None else parameter.grad.add_(g)
        return scores

    def _visible(self, inputs: Tensor) -> Tensor:
        v = self._rbm.units(inputs)
        if self._rbm.visible == "bernoulli":
            check_unit_interval(v)
        return v

    def _scores(self, v: Tensor, field: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and sum of errors of the reconstructions with these fields and means."""
        squares = F.mse_loss(mean, v, reduction="sum")
        if self._rbm.visible == "gaussian":
            return squares / (2 * len(v)), squares / v.shape[1]
        return reconstruction_entropy(field, mean, v) / len(v), squares / v.shape[1]

    def _non_finite(self, context: Context, update: Update) -> NonFiniteError:
        bad = [name for name, p in self.net.named_parameters() if not p.isfinite().all()]
        return NonFiniteError(
            f"step {context.step + 1}, {'weights ' + bad[0] if bad else 'reconstruction or gradient'}",
            expected="finite numbers",
            got=f"loss {update.loss:g}, gradient norm {update.gradient_norm:g}",
            remedy="lower --optimizer.lr (Gaussian visibles need about 0.001); the weights were not updated",
        )
