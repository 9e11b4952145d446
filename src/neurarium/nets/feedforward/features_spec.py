"""A classifier on the features of another run's net, as a recipe names it (no torch)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from neurarium.checks import ConfigError
from neurarium.nets.spec import NetSpec

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class FeaturesSpec(NetSpec):
    """Linear classifier on what a layer of the source's net makes."""

    summary: ClassVar[str] = "linear classifier on the features of a layer of another run's net, which stays frozen"

    layer: str = ""
    """Layer of the source's net whose outputs are the features, such as relu2; empty: the last but one."""

    def build(self, shape: tuple[int, ...], outputs: int, source: "torch.nn.Module | None" = None) -> "torch.nn.Module":
        """Make the net on a copy of the source's net.

        Raises:
            ConfigError: no source, or a layer that it has not.
        """
        if source is None:
            raise ConfigError(
                "source",
                expected="a run whose net makes the features, for the net features",
                got="none",
                remedy="name a recipe or a run folder: --source bottleneck-mlp",
            )
        from neurarium.nets.parts.features import Features, cut

        trunk, width = cut(source, self.layer, shape)
        return Features(trunk, width, outputs)
