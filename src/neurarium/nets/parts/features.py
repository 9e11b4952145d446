"""Features of a trained net: what one of its layers makes of an example, under a classifier of its own.

    z = f_l(x)        the net up to layer l, frozen or fine-tuned
    logits = W z + b  learned

Where layer l is narrow its few units must hold all that the layers above need: bottleneck features.

Source: F. Grezl, M. Karafiat, S. Kontar, J. Cernocky, "Probabilistic and bottle-neck features for LVCSR of meetings",
2007; notes 002, "Bottleneck features".
"""

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, choose
from neurarium.nets.evaluating import evaluating
from neurarium.nets.parts.groups import Grouped, trainable
from neurarium.nets.parts.initial import initialize_layer_


class LinearProbe(Grouped):
    """A trunk and a linear classifier on the (batch, width) features that it makes.

    A frozen trunk stays in evaluation mode, so that its dropout is off and its running statistics stand still, and only
    the classifier's parameters ask for a gradient. Otherwise both learn.
    """

    def __init__(self, trunk: nn.Module, width: int, outputs: int, frozen: bool = True) -> None:
        super().__init__()
        self.frozen = frozen
        self.trunk = trunk.requires_grad_(not frozen).train(not frozen)
        self.output = nn.Linear(width, outputs)
        initialize_layer_(self.output, "lecun")

    def train(self, mode: bool = True) -> "LinearProbe":
        """Set the mode; a trunk whose weights stand still stays in evaluation mode."""
        super().train(mode)
        if not trainable(self.trunk):
            self.trunk.eval()
        return self

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Trainable parameters of the backbone, first layers first, where there are any, and of the head."""
        groups = {"backbone": trainable(self.trunk), "head": trainable(self.output)}
        return {name: group for name, group in groups.items() if group}

    def forward(self, x: Float[Tensor, "batch *example"]) -> Float[Tensor, "batch outputs"]:
        """Logits of a batch."""
        return self.output(self.trunk(x))


class Rescaled(nn.Module):
    """A net that learned from examples scaled in another way: z = net(factor x + shift), both broadcast."""

    factor: Tensor
    shift: Tensor

    def __init__(self, net: nn.Module, factor: Float[Tensor, "..."], shift: Float[Tensor, "..."]) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("factor", factor)
        self.register_buffer("shift", shift)

    def forward(self, x: Float[Tensor, "batch *example"]) -> Float[Tensor, "batch *output"]:
        """What the net makes of the batch."""
        return self.net(x * self.factor + self.shift)


def truncate(net: nn.Module, layer: str, shape: tuple[int, ...]) -> tuple[nn.Module, int]:
    """A copy of a net that ends with one of its layers, from (batch, *shape) to (batch, width), and the width.

    The layer must stand in a chain (`nn.Sequential`) that the net runs to its end: everything behind it is taken off.

    `layer`: its qualified name ("layers.relu2"), or the last part where that is unique; empty: the last but one of the
    chain, whose output the net's own last layer sees.
    Raises ConfigError: no such layer (names the closest), or one that is in no such chain.

    Example:
        >>> net = nn.Sequential(nn.Linear(5, 3), nn.ReLU(), nn.Linear(3, 2))
        >>> trunk, width = truncate(net, "1", (5,))
        >>> trunk(torch.zeros(4, 5)).shape, width
        (torch.Size([4, 3]), 3)
    """
    names = chain_layers(net)
    if len(names) < 2:
        raise ConfigError("net.layer", expected="a net with layers in a chain", got=type(net).__name__)
    short = [name.rpartition(".")[2] for name in names]
    unique = {last: name for last, name in zip(short, names, strict=True) if short.count(last) == 1}
    if layer and layer not in names:
        layer = choose(layer, unique, subject="net.layer")
    path = layer or names[-2]
    trunk = _truncated(net, path)
    probe = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0)).to(next(net.parameters()))
    seen, made = _output_of(net, path, probe).flatten(1), _run(trunk, probe)
    if not torch.equal(seen, made):
        raise ConfigError(
            "net.layer",
            expected="a layer in the chain that makes the net's outputs",
            got=f"{path!r}, from which other paths lead on",
            remedy=f"choose one of {', '.join(unique)}",
        )
    return trunk, made.shape[1]


def chain_layers(net: nn.Module) -> list[str]:
    """Qualified names of the layers that stand in a chain, in the order of computation; chains themselves left out."""
    return [
        f"{name}.{child}" if name else child
        for name, module in net.named_modules()
        if is_chain(module)
        for child, inner in module.named_children()
        if not is_chain(inner)
    ]


def is_chain(module: nn.Module) -> bool:
    """Whether a module only runs its children one after the other; a subclass with its own forward may do more."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _truncated(net: nn.Module, path: str) -> nn.Module:
    """A copy in which every chain on the way to `path` ends with it, flattened as a net's outputs are."""
    trunk = innermost = copy.deepcopy(net)
    parent: nn.Module = trunk
    for part in path.split("."):
        inner = parent.get_submodule(part)
        if is_chain(parent):
            names = [name for name, _ in parent.named_children()]
            for name in names[names.index(part) + 1 :]:
                delattr(parent, name)
            innermost = parent
        parent = inner
    innermost.add_module("features", nn.Flatten())
    return trunk


def _output_of(net: nn.Module, path: str, probe: Tensor) -> Tensor:
    """What the layer makes when the whole net runs."""
    found: list[Tensor] = []
    # a copy: the layer behind may work in place
    hook = net.get_submodule(path).register_forward_hook(lambda layer, x, output: found.append(output.clone()))
    try:
        _run(net, probe)
    finally:
        hook.remove()
    return found[-1]


@torch.no_grad()
def _run(net: nn.Module, probe: Tensor) -> Tensor:
    """Run a net in evaluation mode; afterwards it is as it was."""
    with evaluating(net):
        output: Tensor = net(probe)
    return output
