"""Parameters in groups that an optimizer may treat each in its own way."""

from abc import ABC, abstractmethod

from torch import nn


class Grouped(nn.Module, ABC):
    """A net whose trainable parameters fall into groups."""

    @abstractmethod
    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Trainable parameters by group, each in one of them, in the order of computation."""


def groups_of(net: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Trainable parameters of a net by group; all in one where the net has no groups."""
    return net.groups() if isinstance(net, Grouped) else {"all": trainable(net)}


def trainable(net: nn.Module) -> list[nn.Parameter]:
    """Parameters of a net that ask for a gradient, in its order."""
    return [parameter for parameter in net.parameters() if parameter.requires_grad]
