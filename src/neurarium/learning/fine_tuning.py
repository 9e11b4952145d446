"""How a net that stands on another's weights learns: backbone and head at rates of their own (no torch).

    eta_head = eta,    eta_backbone,l = factor * decay^(L - l) eta       l = 1 ... L, from the first parameter on

Source: J. Howard, S. Ruder, "Universal language model fine-tuning for text classification", 2018 (gradual unfreezing
and discriminative rates).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurarium.checks import ConfigError

if TYPE_CHECKING:
    import torch

    from neurarium.learning.optimizers import ParameterGroup


@dataclass(frozen=True)
class FineTuning:
    """Rates of a backbone that learns together with its head; without effect on a net without one."""

    freeze_epochs: int = 0
    """Epochs at the beginning in which the head learns alone."""
    backbone_factor: float = 1.0
    """Learning rate of the backbone as a multiple of the head's, in (0, 1]."""
    layer_decay: float = 1.0
    """Factor on the rate from each parameter of the backbone to the one before it, in (0, 1]."""

    def __post_init__(self) -> None:
        if self.freeze_epochs < 0:
            raise ConfigError("fine_tuning.freeze_epochs", expected="an integer >= 0", got=str(self.freeze_epochs))
        for name in ("backbone_factor", "layer_decay"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(f"fine_tuning.{name}", expected="a number in (0, 1]", got=str(getattr(self, name)))

    def groups(self, groups: Mapping[str, Sequence[torch.nn.Parameter]]) -> list[ParameterGroup]:
        """The parameters of a net by their rates, the backbone's in the order of computation.

        Raises ConfigError: rates for a backbone that there is not.
        """
        from neurarium.learning.optimizers import ParameterGroup

        if "backbone" not in groups:
            if self != FineTuning():
                raise ConfigError(
                    "fine_tuning",
                    expected="a net with a backbone that learns",
                    got="a net without one",
                    remedy="--net.kind linear-probe --net.no-frozen --pretrained RUN, or leave --fine-tuning out",
                )
            return [ParameterGroup(tuple(p for group in groups.values() for p in group))]
        backbone = list(groups["backbone"])
        head = tuple(p for name, group in groups.items() if name != "backbone" for p in group)
        if self.layer_decay == 1:
            return [ParameterGroup(tuple(backbone), self.backbone_factor), ParameterGroup(head)]
        last = len(backbone) - 1
        single = [
            ParameterGroup((p,), self.backbone_factor * self.layer_decay ** (last - k)) for k, p in enumerate(backbone)
        ]
        return [*single, ParameterGroup(head)]
