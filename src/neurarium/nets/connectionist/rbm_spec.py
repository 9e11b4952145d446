"""Restricted Boltzmann machines as a recipe names them (no torch)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from neurarium.checks import ConfigError
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Schema


@dataclass(frozen=True)
class RBMSpec(NetSpec):
    """Restricted Boltzmann machine, which learns by contrastive divergence and looks at no labels."""

    summary: ClassVar[str] = "restricted Boltzmann machine: hidden features from unlabeled data, by Gibbs sampling"
    task: ClassVar[str] = "density"
    rule: ClassVar[str] = "contrastive"
    figures: ClassVar[tuple[str, ...]] = ("filters of units", "gibbs samples", "unit reconstructions")

    hidden: int = 256
    """Hidden units."""
    visible: Literal["bernoulli", "gaussian"] = "bernoulli"
    """Kind of the visible units: bernoulli for values of a range, gaussian (variance 1) for standardized ones."""
    k: int = 1
    """Steps of Gibbs sampling in an update."""
    persistent: bool = False
    """Let the chains live on from update to update instead of beginning at the data each time."""
    chains: int = 128
    """Number of persistent chains."""

    def __post_init__(self) -> None:
        """Refuse what no machine can be. Raises ConfigError: no hidden unit, no step of Gibbs sampling, or no chain."""
        for name in ("hidden", "k", "chains"):
            if getattr(self, name) < 1:
                raise ConfigError(f"net.{name}", expected="an integer >= 1", got=str(getattr(self, name)))

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net, with a unit a feature; Bernoulli ones stand for a value range (else DataError)."""
        import torch

        from neurarium.nets.connectionist.rbm import RBM
        from neurarium.nets.parts.value_range import by_channel, scale, value_range

        field = schema.dense("rbm")
        shape = field.fixed_shape
        if self.visible == "gaussian":
            return RBM(field.size, self.hidden, self.visible, shape=shape)
        low, high = value_range(field, "rbm")
        # (std x + mean - low) / (high - low), spread from channels to units
        center, spread = (by_channel(numbers, field, torch.float64).expand(shape).flatten() for numbers in scale(field))
        factor, shift = spread / (high - low), (center - low) / (high - low)
        net = RBM(field.size, self.hidden, self.visible, factor.float(), shift.float(), shape)
        if field.standardized:
            # the mean of an input is 0, and that of its unit the shift: begin with units as often on as that
            odds = torch.logit(shift.clamp(0.01, 0.99))
            net.visible_bias.data = torch.where((shift > 0) & (shift < 1), odds, 0.0).float()
        return net
