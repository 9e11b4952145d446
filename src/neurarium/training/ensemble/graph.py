"""A batched function written out as a list of tensor operations, without what costs time and changes nothing.

`torch.func.vmap` finds the batched operations anew in every call, at the price of a small net's whole step. Here it is
run once for given shapes, its operations are written down, and those are left out that compute nothing: a reshape to
the shape that is there, a product with 1, a result that nobody reads, an operation that was done already.

Source: J. Reed, Z. DeVito, H. He, A. Ussery, J. Ansel, "torch.fx: practical program capture and transformation for
deep learning in Python", 2022.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx

_aten = torch.ops.aten
_PRODUCTS = {_aten.mul.Scalar, _aten.mul.Tensor}
_RESHAPES = {_aten.view.default, _aten.expand.default, _aten._unsafe_view.default}


def traced(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """Return `function` as a fixed list of operations, for tensors of the shapes of `arguments` alone.

    Random operations draw anew in every call; whatever Python decides on the way is decided now.

    Example:
        >>> twice = traced(torch.func.vmap(lambda x: x * 1 + x), torch.zeros(3, 2))
        >>> twice(torch.ones(3, 2)).sum()
        tensor(12.)
    """
    with torch.no_grad():
        module = make_fx(lambda *given: function(*given))(*arguments)  # a plain signature, which the tracer reads
    if not any(_schema(node).is_mutable for node in _operations(module)):
        _tidy(module)
    return module


def _tidy(module: GraphModule) -> None:
    """Leave out what changes nothing; only for lists in which no operation writes into a tensor."""
    seen: dict[Any, Node] = {}
    for node in _operations(module):
        same = _unchanged(node)
        if same is None and torch.Tag.nondeterministic_seeded not in node.target.tags:  # type: ignore[union-attr]
            key = (node.target, repr(node.args), repr(sorted(node.kwargs.items())))
            same = seen.setdefault(key, node)
        if same is not None and same is not node:
            node.replace_all_uses_with(same)
            module.graph.erase_node(node)
    module.graph.eliminate_dead_code()
    module.recompile()


def _unchanged(node: Node) -> Node | None:
    """The argument that this operation returns as it is, if it does."""
    first = node.args[0] if node.args else None
    if not isinstance(first, Node):
        return None
    if node.target in _RESHAPES and _shape(node) == _shape(first):
        return first
    if node.target in _PRODUCTS and node.args[1] in (1, 1.0) and _type(node) == _type(first):
        return first
    if node.target is _aten.transpose.int and first.target is _aten.transpose.int:
        rank = len(_shape(node))
        axes = [{axis % rank for axis in (n.args[1], n.args[2])} for n in (node, first)]  # type: ignore[operator]
        before = first.args[0]
        return before if axes[0] == axes[1] and isinstance(before, Node) else None
    return None


def _operations(module: GraphModule) -> list[Node]:
    return [n for n in module.graph.nodes if n.op == "call_function" and isinstance(n.target, torch._ops.OpOverload)]


def _schema(node: Node) -> Any:
    return node.target._schema  # type: ignore[union-attr]


def _shape(node: Node) -> torch.Size:
    return node.meta["val"].shape


def _type(node: Node) -> torch.dtype:
    return node.meta["val"].dtype
