"""Adversarial learning: discriminator and generator take turns on the same optimiser settings.

For each batch of real examples x, with fresh noise z and y = G(z):

    discriminator   W_D <- optimiser(W_D, dL_D/dW_D),    L_D of a(x), a(y), and the gradient penalty at x
    generator       W_G <- optimiser(W_G, dL_G/dW_G),    L_G of a(y), with the discriminator just updated

Both players have moments of their own: each parameter's state stands in the one optimiser, which passes over the
parameters without a gradient. What the record says, in training and measurement alike:

    objective   L_D without its penalty: 2 log 2 = 1.386 where the discriminator can tell nothing (least squares: 1/4)
    errors      half the sum of real examples judged generated and generated ones judged real, so that the error rate
                is 1/2 where it can tell nothing

Neither says how good the samples are (`learning.frechet` and `data.mixtures.mode_scores` do), and a low error may come
of a bad generator as well as of a good discriminator: recipes end with the last weights, not with those of the best
epoch. Labels are not looked at.

Source: I. Goodfellow et al., "Generative adversarial nets", 2014, algorithm 1 with k = 1 and the losses of
`learning.adversarial`.
"""

import math

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.learning.adversarial import adversarial_loss, gradient_penalty
from neurarium.learning.criterion import Criterion
from neurarium.nets.generative.gan import GAN
from neurarium.nets.generative.specs import AdversarialSpec
from neurarium.training.device import Placement, to_floats
from neurarium.training.gradient_rule import GradientRule
from neurarium.training.recipe import Recipe
from neurarium.training.rule import Update

# Of the noise in a measurement: the same every time, and none of it the run's.
_MEASUREMENT_SEED = 0


class AdversarialRule(GradientRule):
    """Learning rule: discriminator and generator update in turn.

    Args:
        net: a `GAN`, on its device.
        recipe: its net is an `AdversarialSpec`, which holds the loss and the weight of the penalty.
        placement: where to compute.
        criterion: not looked at.
        total_steps: updates of the whole run.
        classes: not looked at.

    Raises:
        ConfigError: another net, or a setting that this rule cannot follow.
    """

    def __init__(
        self,
        net: nn.Module,
        recipe: Recipe,
        placement: Placement,
        criterion: Criterion,
        total_steps: int,
        classes: int | None = None,
    ) -> None:
        if not (isinstance(net, GAN) and isinstance(recipe.net, AdversarialSpec)):
            raise ConfigError("net", expected="gan or dcgan for adversarial learning", got=type(net).__name__)
        _refuse_what_it_cannot_follow(recipe)
        super().__init__(net, recipe, placement, criterion, total_steps, classes)
        self._gan, self._loss = net, adversarial_loss(recipe.net.loss)
        self._penalty, self._ratio = recipe.net.penalty, recipe.net.discriminator_rate

    def step(self, batch: Batch, step: int) -> Update:
        """Update the discriminator, then the generator; see `LearningRule.step`."""
        rate = self._rate * self._factor(step) * self._plateau.factor
        real, (net, loss) = batch.inputs, (self._gan, self._loss)
        if self._penalty:
            real = real.detach().requires_grad_()
        with self.placement.computing():
            generated = net.generator(net.draw_noise(len(batch)))
            judged_real, judged = net(real).float(), net(generated.detach()).float()
            objective = loss.discriminator(judged_real, judged)
            penalised = objective
            if self._penalty:
                penalised = objective + gradient_penalty(judged_real, real, self._penalty)
            steep = self._turn(net.discriminator, penalised)
        errors = self._misjudged(judged_real, judged)
        values = to_floats(objective.detach(), errors, steep)
        self._check("discriminator", step, values[0], values[2])
        self._move(self._ratio * rate, values[2])
        with self.placement.computing():
            ascended = loss.generator(net(generated).float())
            steep = self._turn(net.generator, ascended)
        generator_values = to_floats(ascended.detach(), steep)
        self._check("generator", step, *generator_values)
        self._move(rate, generator_values[1])
        return Update(values[0], values[1], math.hypot(values[2], generator_values[1]), rate)

    def measure(self, batch: Batch) -> tuple[float, float]:
        """Return the sums over the batch of objective and errors; the run's random generators stand still."""
        with torch.inference_mode(), self.placement.computing():
            noise = self._gan.draw_noise(len(batch), torch.Generator().manual_seed(_MEASUREMENT_SEED))
            real, generated = self._gan(batch.inputs).float(), self._gan(self._gan.generator(noise)).float()
            objective = self._loss.discriminator(real, generated)
            mean, errors = to_floats(objective, self._misjudged(real, generated))
        return mean * len(batch), errors

    def _turn(self, player: nn.Module, objective: Tensor) -> Tensor:
        """Give one player its gradients and the other none; return their norm."""
        mine = [p for p in player.parameters() if p.requires_grad]
        for parameter in self.parameters:
            parameter.grad = None
        gradients = torch.autograd.grad(objective, mine)
        for parameter, gradient in zip(mine, gradients, strict=True):
            # fused optimisers walk through parameter and gradient in step, as they lie in memory
            same = gradient.stride() == parameter.stride()
            parameter.grad = gradient if same else torch.empty_like(parameter).copy_(gradient)
        return torch.stack(torch._foreach_norm(gradients)).norm()

    def _move(self, rate: float, norm: float) -> None:
        """Update the player that has gradients."""
        if self._clip is not None and norm > self._clip:
            torch._foreach_mul_([p.grad for p in self.parameters if p.grad is not None], self._clip / norm)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()

    def _misjudged(self, real: Tensor, generated: Tensor) -> Tensor:
        threshold = self._loss.threshold
        return ((real <= threshold).sum() + (generated > threshold).sum()) / 2

    def _check(self, player: str, step: int, objective: float, norm: float) -> None:
        if not math.isfinite(objective + norm):
            raise NonFiniteError(
                f"step {step + 1}, loss or gradient of the {player}",
                expected="finite numbers",
                got=f"objective {objective:g}, gradient norm {norm:g}",
                remedy=f"lower --optimiser.lr, or set --clip-norm 1; the {player} was not updated",
            )


def _refuse_what_it_cannot_follow(recipe: Recipe) -> None:
    settings: dict[str, tuple[object, object]] = {
        "accumulate": (recipe.accumulate, 1),
        "compile": (recipe.compile, False),
        "gradients": (recipe.gradients, "autograd"),
        "augmentation.active": (recipe.augmentation.active, False),
    }
    for name, (value, needed) in settings.items():
        if value != needed:
            raise ConfigError(name, expected=f"{needed} for adversarial learning", got=str(value))
