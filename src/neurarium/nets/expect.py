"""Ask a net for what it must be able to do."""

from collections.abc import Callable
from typing import TypeVar, cast

from torch import nn

from neurarium.checks import ConfigError

T = TypeVar("T")


# a Callable, as mypy lets no abstract class stand for type[T]
def expect(net: nn.Module, kind: Callable[..., T], whose: str, remedy: str = "") -> T:
    """Return the net as what it is asked to be, an interface or a class of nets; `whose` need it is, the message says.

    Raises ConfigError: it is nothing of the kind.
    """
    wanted = cast(type[T], kind)
    if isinstance(net, wanted):
        return net
    raise ConfigError(
        "net", expected=f"a net of the kind {wanted.__name__} for {whose}", got=type(net).__name__, remedy=remedy
    )
