"""Weights from elsewhere: a state dict with torchvision's names into our nets, and back.

| ours | torchvision's |
|---|---|
| AlexNet, VGG: `stages.stage2.conv2` | `features.N`, the place among all layers of the stages |
| AlexNet, VGG: `head.linear6` | `classifier.N`, the place among the layers of the head after flattening |
| ResNet: `stages.stem.conv1`, `.norm1` | `conv1`, `bn1` |
| ResNet: `stages.stage2.block3.branch.conv1`, `.norm1` | `layer2.2.conv1`, `.bn1` |
| ResNet: `stages.stage2.block1.shortcut.conv`, `.norm` | `layer2.0.downsample.0`, `.1` |
| DenseNet: `stages.stem.conv0`, `stages.stage4.norm` | `features.conv0`, `features.norm5` |
| DenseNet: `stages.stage2.block.layer3.inner.norm1` | `features.denseblock2.denselayer3.norm1` |
| DenseNet: `stages.stage2.block.layer3.outer.conv2` | `features.denseblock2.denselayer3.conv2` |
| DenseNet: `stages.stage2.transition.conv` | `features.transition1.conv` |
| `head.output` | `classifier.6`, `fc`, `classifier` |

Weights that bear other names load by `load_named`, with a table of those names. No net takes weights in part: what is
missing, too much or of another size is told, and the net stays as it was.
"""

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.alexnet import AlexNet
from neurarium.nets.convolutional.densenet import DenseNet
from neurarium.nets.convolutional.resnet import ResNet
from neurarium.nets.convolutional.stages import StagedNet
from neurarium.nets.convolutional.vgg import VGG

Rule = tuple[str, Callable[[re.Match[str]], str]]

# Old files have none, and nothing but a momentum of None reads it.
_MAY_BE_MISSING = "num_batches_tracked"

_RESNET: tuple[Rule, ...] = (
    (r"stages\.stem\.", lambda m: ""),
    (r"stages\.stage(\d+)\.block(\d+)\.", lambda m: f"layer{m[1]}.{int(m[2]) - 1}."),
    (r"branch\.", lambda m: ""),
    (r"shortcut\.conv", lambda m: "downsample.0"),
    (r"shortcut\.norm", lambda m: "downsample.1"),
    (r"norm(?=\d)", lambda m: "bn"),
    (r"head\.output", lambda m: "fc"),
)
_DENSENET: tuple[Rule, ...] = (
    (r"stages\.stem\.", lambda m: "features."),
    (r"stages\.stage(\d+)\.block\.layer", lambda m: f"features.denseblock{m[1]}.denselayer"),
    (r"inner\.|outer\.", lambda m: ""),
    (r"stages\.stage(\d+)\.transition", lambda m: f"features.transition{int(m[1]) - 1}"),
    (r"stages\.stage(\d+)\.norm", lambda m: f"features.norm{int(m[1]) + 1}"),
    (r"head\.output", lambda m: "classifier"),
)
# The names under which DenseNets were first published: dots that no module's name may have today.
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(\d)")


def torchvision_names(net: StagedNet) -> dict[str, str]:
    """What torchvision calls each tensor of a net, by our name. Raises ConfigError: a net that torchvision has not."""
    keys = list(net.state_dict())
    if isinstance(net, ResNet):
        return {key: _renamed(key, _RESNET) for key in keys}
    if isinstance(net, DenseNet):
        return {key: _renamed(key, _DENSENET) for key in keys}
    if isinstance(net, AlexNet | VGG):
        places = _places(net)
        return {key: f"{places[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}" for key in keys}
    raise ConfigError("net", expected="AlexNet, VGG, ResNet or DenseNet", got=type(net).__name__)


def to_torchvision(net: StagedNet) -> dict[str, Tensor]:
    """The state dict of a net under torchvision's names (`torchvision_names`); the tensors are the net's own."""
    names = torchvision_names(net)
    return {names[key]: value for key, value in net.state_dict().items()}


def load_torchvision(net: StagedNet, state: Mapping[str, Tensor]) -> None:
    """Copy a state dict with torchvision's names into a net of its depth, channels and outputs.

    Counts of batches (`num_batches_tracked`) may be missing, as they are in old files; dotted names of old DenseNets
    (`norm.1`) are understood. Errors are those of `load_named` and `torchvision_names`.
    """
    if isinstance(net, DenseNet):
        state = {_OLD_DENSENET.sub(r"\1\2", key): value for key, value in state.items()}
    load_named(net, state, torchvision_names(net))


@torch.no_grad()
def load_named(net: nn.Module, state: Mapping[str, Tensor], names: Mapping[str, str]) -> None:
    """Copy a state dict into a net by `names`, from each key of the net's own to the name in the file.

    Raises ConfigError: missing or unexpected keys; ShapeError: tensors of another shape; all of them are told.
    """
    own = net.state_dict()
    expected = {names[key]: tensor for key, tensor in own.items()}
    missing = [name for name in expected if name not in state and not name.endswith(_MAY_BE_MISSING)]
    unexpected = [name for name in state if name not in expected]
    if missing or unexpected:
        told = [
            f"{len(keys)} {kind} ({', '.join(keys)})"
            for kind, keys in (("missing", missing), ("unexpected", unexpected))
            if keys
        ]
        raise ConfigError(
            "state dict",
            expected=f"the {len(expected)} tensors of this {type(net).__name__}",
            got=", ".join(told),
            remedy="build the net that the weights belong to",
        )
    given = {name: state[name] for name in expected if name in state}
    wrong = [name for name, tensor in given.items() if tensor.shape != expected[name].shape]
    if wrong:
        raise ShapeError(
            "state dict",
            expected=", ".join(f"{name} {tuple(expected[name].shape)}" for name in wrong),
            got=", ".join(f"{name} {tuple(given[name].shape)}" for name in wrong),
            remedy="build the net with the channels and outputs of the weights, and change its head afterwards",
        )
    for name, tensor in given.items():
        expected[name].copy_(tensor)


def _renamed(key: str, rules: tuple[Rule, ...]) -> str:
    for pattern, name in rules:
        key = re.sub(pattern, name, key)
    return key


def _places(net: AlexNet | VGG) -> dict[str, str]:
    """torchvision counts the layers through: by our path of a layer its `features.N` or `classifier.N`."""
    layers = [
        f"stages.{stage}.{name}" for stage, part in net.stages.named_children() for name, _ in part.named_children()
    ]
    head = [name for name, _ in net.head.named_children()]
    after = head[head.index("flatten") + 1 :]
    return {path: f"features.{n}" for n, path in enumerate(layers)} | {
        f"head.{name}": f"classifier.{n}" for n, name in enumerate(after)
    }
