"""What a recipe says about a net: plain values that print, parse and compare (no torch)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from neurarium.record.schema import Schema, image_schema

if TYPE_CHECKING:
    from torch.nn import Module as Module
else:
    Module = Any  # torch is loaded when a net is built


@dataclass(frozen=True)
class NetSpec:
    """The choices a user has about a net, all with defaults; everything else follows from the data's schema.

    A subclass adds fields and `build`, enters `nets.catalog.NETS`, and imports torch only inside `build`.
    """

    summary: ClassVar[str] = ""
    """One line for `neurarium list`."""
    sizes: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Published sizes, by the name that everybody knows: the fields that make them."""
    task: ClassVar[str] = "supervised"
    """What is asked of the net, a name in `tasks.table.TASKS`; supervised: to predict the schema's target."""
    rule: ClassVar[str] = "gradient"
    """How it learns, a name in `training.rules.table.RULES`."""
    needs: ClassVar[Literal["", "backbone"]] = ""
    """Another run's net on which it stands."""
    laws: ClassVar[tuple[str, ...]] = ("batch",)
    """Symmetries that it keeps, names in `symmetry.catalog.LAWS`; the tests hold it to them."""
    figures: ClassVar[tuple[str, ...]] = ()
    """Figures of what it has learned, names in `report.figures.table.FIGURES`, beside those that the task brings."""
    batch_statistics: ClassVar[bool] = False
    """Whether the answer to an example in training depends on others in the batch, as with batch normalization."""

    @property
    def scheduled_sampling(self) -> float:
        """Probability that a net that writes tokens is given its own in training."""
        return 0.0

    @classmethod
    def example(cls) -> Schema:
        """A schema that the net can take: the tests draw examples of it."""
        return image_schema()

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net with fresh weights drawn from torch's default generator.

        It takes the batch's inputs, an argument each. The backbone is another run's net, for one that `needs` it.
        Raises ShapeError: the net cannot take such examples; ConfigError: a field holds a value that cannot be used.
        """
        raise NotImplementedError
