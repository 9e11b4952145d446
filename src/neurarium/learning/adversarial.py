"""What the two players of an adversarial game make small, and the penalty that keeps the game from going in circles.

The discriminator gives an example a logit a(x): high for real ones. With real x and generated y, s the logistic
function and softplus(a) = log(1 + exp a):

| name | discriminator | generator |
|---|---|---|
| non-saturating | E softplus(-a(x)) + E softplus(a(y)) | E softplus(-a(y)) = -E log s(a(y)) |
| saturating | the same | -E softplus(a(y)) = E log (1 - s(a(y))) |
| least-squares | E (a(x) - 1)^2 / 2 + E a(y)^2 / 2 | E (a(y) - 1)^2 / 2 |

With p the density of the data and q that of a fixed generator, the first row's discriminator is best at

    s(a(x)) = p(x) / (p(x) + q(x)),    where its loss is 2 log 2 - 2 JS(p, q).

Against it the saturating generator descends on JS(p, q); but where the discriminator is sure that y is generated its
error signal -s(a) is almost 0. The non-saturating one has -(1 - s(a)) there, almost -1, and the same fixed point.

Source: I. Goodfellow et al., "Generative adversarial nets", 2014; X. Mao et al., "Least squares generative adversarial
networks", 2017 (0-1 coding); L. Mescheder, A. Geiger, S. Nowozin, "Which training methods for GANs do actually
converge?", 2018.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import choose


@dataclass(frozen=True)
class AdversarialLoss:
    """A row of the table above.

    Attributes:
        discriminator: of the logits of real and of generated examples, a mean over each.
        generator: of the logits of generated examples.
        threshold: logit above which an example counts as judged real.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    threshold: float = 0.0


def logistic_discriminator_loss(real: Float[Tensor, "*real"], fake: Float[Tensor, "*fake"]) -> Float[Tensor, ""]:
    """E softplus(-a(x)) + E softplus(a(y)): cross-entropy of "real" and "generated", summed over the two kinds."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def non_saturating_loss(fake: Float[Tensor, "*fake"]) -> Float[Tensor, ""]:
    """-E log s(a(y)): make the discriminator say "real"."""
    return F.softplus(-fake).mean()


def saturating_loss(fake: Float[Tensor, "*fake"]) -> Float[Tensor, ""]:
    """E log (1 - s(a(y))): keep the discriminator from saying "generated"; flat where it is sure of it."""
    return -F.softplus(fake).mean()


def least_squares_discriminator_loss(real: Float[Tensor, "*real"], fake: Float[Tensor, "*fake"]) -> Float[Tensor, ""]:
    """E (a(x) - 1)^2 / 2 + E a(y)^2 / 2: code 1 for real, 0 for generated."""
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def least_squares_generator_loss(fake: Float[Tensor, "*fake"]) -> Float[Tensor, ""]:
    """E (a(y) - 1)^2 / 2."""
    return (fake - 1).square().mean() / 2


LOSSES: dict[str, AdversarialLoss] = {
    "non-saturating": AdversarialLoss(logistic_discriminator_loss, non_saturating_loss),
    "saturating": AdversarialLoss(logistic_discriminator_loss, saturating_loss),
    "least-squares": AdversarialLoss(least_squares_discriminator_loss, least_squares_generator_loss, threshold=0.5),
}


def adversarial_loss(name: str) -> AdversarialLoss:
    """The loss called `name`. Raises ConfigError: no such loss; the message names the closest."""
    return choose(name, LOSSES, "net.loss")


def gradient_penalty(
    logits: Float[Tensor, "batch *one"], inputs: Float[Tensor, "batch *shape"], weight: float
) -> Float[Tensor, ""]:
    """R1: how steep the discriminator is at the real examples.

        R = weight / 2 E |da(x)/dx|^2

    Without it the discriminator never comes to rest, even where the generator is right already, and the two go round in
    circles; with it the game converges locally.

    Args:
        logits: a(x), computed from `inputs`; no example's logit depends on another example.
        inputs: real examples, which ask for a gradient.
        weight: gamma, at least 0; in units of 1 / input^2.

    Example:
        >>> x = torch.tensor([[3.0, 4.0]], requires_grad=True)
        >>> gradient_penalty(x.square().sum(1) / 2, x, 2.0).detach()  # |x|^2
        tensor(25.)
    """
    (slope,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    return weight / 2 * slope.square().sum() / len(inputs)
