"""Permutations that nothing depends on: of the examples in a batch, of the hidden units in a layer."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call

from neurarium.checks import ConfigError, ShapeError
from neurarium.symmetry.laws import Law, evaluated, relative_deviation

_SEED = 20


def batch_deviation(net: nn.Module, x: Tensor) -> float:
    """Violation of: the answer to an example depends neither on its place in the batch nor on its company.

        f(P x) = P f(x)    and    f(x) = (f(x_1), ..., f(x_n)) one by one

    Raises ShapeError: fewer than two examples.
    """
    if len(x) < 2:
        raise ShapeError("x", expected="at least two examples", got=str(len(x)))
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(_SEED)).to(x.device)
    with evaluated(net):
        y = net(x)
        alone = torch.cat([net(example) for example in x.split(1)])
        return max(relative_deviation(net(x[order]), y[order]), relative_deviation(alone, y))


def hidden_unit_deviation(net: nn.Module, x: Tensor) -> float:
    """Violation of: renaming the hidden units between two linear layers leaves the function unchanged.

        W_2 phi(W_1 x + b_1) = (W_2 P^T) phi(P W_1 x + P b_1)

    All layers of hidden units are renamed at once. Layers are paired in the order of `net.modules()` where the
    outputs of one are as many as the inputs of the next; between them may stand only what treats units alike.
    Raises ConfigError: no two such layers.
    """
    generator = torch.Generator().manual_seed(_SEED)
    linear = [(name, m) for name, m in net.named_modules() if isinstance(m, nn.Linear)]
    pairs = [(a, b) for a, b in pairwise(linear) if a[1].out_features == b[1].in_features]
    if not pairs:
        raise ConfigError("net", expected="two linear layers in a row", got=f"{len(linear)} linear layers")
    renamed = {name: parameter.detach() for name, parameter in net.named_parameters()}
    for (below, layer), (above, _) in pairs:
        order = torch.randperm(layer.out_features, generator=generator).to(layer.weight.device)
        renamed[f"{below}.weight"] = renamed[f"{below}.weight"][order]
        renamed[f"{above}.weight"] = renamed[f"{above}.weight"][:, order]
        if layer.bias is not None:
            renamed[f"{below}.bias"] = renamed[f"{below}.bias"][order]
    with evaluated(net):
        return relative_deviation(functional_call(net, renamed, (x,)), net(x))


BATCH = Law(
    "batch",
    batch_deviation,
    "the answer to an example depends neither on its place in the batch nor on the other examples",
)

HIDDEN_UNITS = Law(
    "hidden units",
    hidden_unit_deviation,
    "renaming the hidden units between two linear layers leaves the function unchanged",
)
