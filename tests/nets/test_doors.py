"""Every net that is defined below `neurarium.nets` can be imported from there."""

import inspect
import pkgutil
import subprocess
import sys
from importlib import import_module

from torch import nn

import neurarium.nets


def defined() -> dict[str, type[nn.Module]]:
    """Public modules of the package that are no bases for others alone, by name."""
    found = {}
    for info in pkgutil.walk_packages(neurarium.nets.__path__, "neurarium.nets."):
        module = import_module(info.name)
        for name, kind in inspect.getmembers(module, inspect.isclass):
            own = kind.__module__ == info.name and not name.startswith("_")
            if own and issubclass(kind, nn.Module) and kind.forward is not nn.Module.forward:
                found[name] = kind
    return found


def test_every_net_has_a_door() -> None:
    nets = defined()
    assert len(nets) > 50
    assert nets.keys() == set(neurarium.nets.__all__)
    for name, kind in nets.items():
        assert getattr(neurarium.nets, name) is kind


def test_a_door_loads_nothing_before_it_is_used() -> None:
    code = "import sys, neurarium.nets; assert 'torch' not in sys.modules; from neurarium.nets import LeNet5; LeNet5()"
    subprocess.run([sys.executable, "-c", code], check=True)
