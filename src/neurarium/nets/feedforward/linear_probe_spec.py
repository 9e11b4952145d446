"""A classifier on the features of another run's net, as a recipe names it (no torch)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from neurarium.checks import ConfigError
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Schema


@dataclass(frozen=True)
class LinearProbeSpec(NetSpec):
    """Linear classifier on what a layer of the backbone makes."""

    summary: ClassVar[str] = "linear classifier on the features of a layer of another run's net, frozen or fine-tuned"
    needs: ClassVar[Literal["", "backbone"]] = "backbone"

    layer: str = ""
    """Layer of the backbone whose outputs are the features, such as relu2; empty: the last but one."""
    frozen: bool = True
    """Whether the backbone keeps its weights; false: it is fine-tuned with the head."""

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net on a copy of the backbone. Raises ConfigError: no backbone, or a layer that it has not."""
        if backbone is None:
            raise ConfigError(
                "backbone",
                expected="a run whose net makes the features, for the net linear-probe",
                got="none",
                remedy="name a recipe or a run folder, such as bottleneck-mlp",
            )
        from neurarium.nets.parts.features import LinearProbe, truncate

        trunk, width = truncate(backbone, self.layer, schema.dense("linear-probe").fixed_shape)
        return LinearProbe(trunk, width, schema.outputs, self.frozen)
