"""Where in a net a module stands, while it is translated into rules."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.learning.backprop.layer import Layer


@dataclass(frozen=True)
class Place:
    """Where in a net a module stands.

    Attributes:
        name: of the module, as in `named_modules`.
        names: of the net's parameters, by their identity: a parameter in two places has one name.
    """

    name: str
    names: Mapping[int, str]

    def parameters(self, *tensors: Tensor | None) -> tuple[tuple[str, Tensor | None], ...]:
        """Parameters with their names, in the order given."""
        return tuple(("" if tensor is None else self.names[id(tensor)], tensor) for tensor in tensors)

    def below(self, name: str) -> "Place":
        """Place of a child."""
        return Place(f"{self.name}.{name}" if self.name else name, self.names)

    def require(self, module: nn.Module, setting: str, expected: object) -> None:
        """Raise ConfigError where a setting has not the value for which the layer's rule is written."""
        got = getattr(module, setting)
        if got != expected:
            raise ConfigError(
                f"layer {self.name or type(module).__name__}",
                expected=f"{type(module).__name__} with {setting} = {expected!r}",
                got=repr(got),
                remedy="train it with gradients by autograd",
            )


Translation: TypeAlias = Callable[[nn.Module, Place], Iterator[Layer]]
"""From a module, where it stands, to its layers."""
