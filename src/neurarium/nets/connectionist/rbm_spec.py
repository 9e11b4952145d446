"""Restricted Boltzmann machines as a recipe names them (no torch)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from neurarium.checks import ConfigError
from neurarium.nets.spec import Purpose, ScaledSpec, check_span

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RBMSpec(ScaledSpec):
    """Restricted Boltzmann machine, which learns by contrastive divergence and looks at no labels.

    Raises:
        ConfigError: no hidden unit, no step of Gibbs sampling, no chain, or a span without length.
    """

    summary: ClassVar[str] = "restricted Boltzmann machine: hidden features from unlabelled data, by Gibbs sampling"
    purpose: ClassVar[Purpose] = "density"

    hidden: int = 256
    """Hidden units."""

    visible: Literal["bernoulli", "gaussian"] = "bernoulli"
    """Kind of the visible units: bernoulli for values from 0 to 1, gaussian (variance 1) for standardised ones."""

    k: int = 1
    """Steps of Gibbs sampling in an update."""

    persistent: bool = False
    """Let the chains live on from update to update instead of beginning at the data each time."""

    chains: int = 128
    """Number of persistent chains."""

    span: tuple[float, ...] = (0.0, 255.0)
    """Values of the data, in the units of the source, that bernoulli units take for 0 and 1."""

    def __post_init__(self) -> None:
        """Refuse what no machine can be."""
        for name in ("hidden", "k", "chains"):
            if getattr(self, name) < 1:
                raise ConfigError(f"net.{name}", expected="a whole number >= 1", got=str(getattr(self, name)))
        check_span(self.span)

    def build(
        self,
        shape: tuple[int, ...],
        outputs: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> "torch.nn.Module":
        """Make the net; an example of any shape is flattened. It has a unit a feature, not an output a class.

        Args:
            shape: of one example.
            outputs: not needed.
            mean, std: by which the inputs were standardised, one number a channel or feature, in the units of
                `span`; none: inputs come as visible units take them.
        """
        import torch

        from neurarium.nets.connectionist.rbm import RBM

        count = math.prod(shape)
        if self.visible == "gaussian" or mean is None or std is None:
            return RBM(count, self.hidden, self.visible)
        low, high = self.span
        # (std x + mean - low) / (high - low), spread from channels to units
        centre, spread = (
            torch.tensor(numbers, dtype=torch.float64).view(-1, *[1] * (len(shape) - 1)).expand(shape).flatten()
            for numbers in (mean, std)
        )
        factor, shift = spread / (high - low), (centre - low) / (high - low)
        net = RBM(count, self.hidden, self.visible, factor.float(), shift.float())
        # the mean of a standardised input is 0, and that of its unit the shift: begin with units as often on as that
        odds = torch.logit(shift.clamp(0.01, 0.99))
        net.visible_bias.data = torch.where((shift > 0) & (shift < 1), odds, 0.0).float()
        return net
