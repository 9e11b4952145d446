"""Adversarial learning: discriminator and generator take turns on the same optimizer settings.

For each batch of real examples x, with fresh noise z and y = G(z):

    discriminator   W_D <- optimizer(W_D, dL_D/dW_D),    L_D of a(x), a(y), and the gradient penalty at x
    generator       W_G <- optimizer(W_G, dL_G/dW_G),    L_G of a(y), with the discriminator just updated

Both players have moments of their own: each parameter's state stands in the one optimizer, which passes over the
parameters without a gradient. What the record says, in training and measurement alike:

    loss        L_D without its penalty: 2 log 2 = 1.386 where the discriminator can tell nothing (least squares: 1/4)
    errors      half the sum of real examples judged generated and generated ones judged real, so that the error rate
                is 1/2 where it can tell nothing

Neither says how good the samples are (`learning.frechet` and `data.mixtures.mode_scores` do), and a low error may come
of a bad generator as well as of a good discriminator: recipes end with the last weights, not with those of the best
epoch. Labels are not looked at.

Source: I. Goodfellow et al., "Generative adversarial nets", 2014, algorithm 1 with k = 1 and the losses of
`learning.adversarial`.
"""

import math
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from neurarium.checks import NonFiniteError
from neurarium.data.batch import Batch
from neurarium.learning.adversarial import adversarial_loss, gradient_penalty
from neurarium.nets.expect import expect
from neurarium.nets.generative.gan import GAN
from neurarium.nets.generative.specs import AdversarialSpec
from neurarium.tasks.task import Context
from neurarium.training.device import to_floats
from neurarium.training.rules.descent import DescentRule, laid_out
from neurarium.training.rules.rule import Setup, Sums, Update

# Of the noise in a measurement: the same every time, and none of it the run's.
_MEASUREMENT_SEED = 0


class AdversarialRule(DescentRule):
    """Learning rule: discriminator and generator update in turn.

    Raises ConfigError: a net that is no adversarial pair.
    """

    follows: ClassVar[frozenset[str]] = frozenset({"optimizer.*", "schedule.*", "clip_norm", "precision"})

    def __init__(self, setup: Setup) -> None:
        self._gan = expect(setup.net, GAN, "adversarial learning")
        super().__init__(setup)
        spec = cast(AdversarialSpec, setup.recipe.net)
        self._loss, self._penalty, self._ratio = adversarial_loss(spec.loss), spec.penalty, spec.discriminator_rate

    def step(self, parts: tuple[Batch, ...], context: Context) -> Update:
        """Update the discriminator, then the generator; see `LearningRule.step`."""
        (batch,) = parts
        rate, real, net, loss = self._rate(context), batch.x, self._gan, self._loss
        if self._penalty:
            real = real.detach().requires_grad_()
        with self.device_config.autocast():
            generated = net.make(batch.size)
            judged_real, judged = net(real).float(), net(generated.detach()).float()
            value = loss.discriminator(judged_real, judged)
            penalized = value
            if self._penalty:
                penalized = value + gradient_penalty(judged_real, real, self._penalty)
            steep = self._turn(net.discriminator, penalized)
        errors = self._misjudged(judged_real, judged)
        values = to_floats(value.detach(), errors, steep)
        self._check("discriminator", context.step, values[0], values[2])
        self._move(self._ratio * rate, values[2])
        with self.device_config.autocast():
            ascended = loss.generator(net(generated).float())
            steep = self._turn(net.generator, ascended)
        generator_values = to_floats(ascended.detach(), steep)
        self._check("generator", context.step, *generator_values)
        self._move(rate, generator_values[1])
        return Update(values[0], values[1], math.hypot(values[2], generator_values[1]), rate, float(batch.size))

    def measure(self, batch: Batch) -> Sums:
        """Measure a batch; the run's random generators stand still."""
        with torch.inference_mode(), self.device_config.autocast():
            noise = self._gan.draw_noise(batch.size, torch.Generator().manual_seed(_MEASUREMENT_SEED))
            real, generated = self._gan(batch.x).float(), self._gan(self._gan.generator(noise)).float()
            value = self._loss.discriminator(real, generated)
            mean, errors = to_floats(value, self._misjudged(real, generated))
        return Sums.of_examples(mean, errors, batch.size)

    def _turn(self, player: nn.Module, value: Tensor) -> Tensor:
        """Give one player its gradients and the other none; return their norm."""
        mine = [p for p in player.parameters() if p.requires_grad]
        self._forget_gradients()
        gradients = torch.autograd.grad(value, mine)
        for parameter, gradient in zip(mine, gradients, strict=True):
            parameter.grad = laid_out(parameter, gradient)
        return torch.stack(torch._foreach_norm(gradients)).norm()

    def _misjudged(self, real: Tensor, generated: Tensor) -> Tensor:
        threshold = self._loss.threshold
        return ((real <= threshold).sum() + (generated > threshold).sum()) / 2

    def _check(self, player: str, step: int, value: float, norm: float) -> None:
        if not math.isfinite(value + norm):
            raise NonFiniteError(
                f"step {step + 1}, loss or gradient of the {player}",
                expected="finite numbers",
                got=f"loss {value:g}, gradient norm {norm:g}",
                remedy=f"lower --optimizer.lr, or set --clip-norm 1; the {player} was not updated",
            )
