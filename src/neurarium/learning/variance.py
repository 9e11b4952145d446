"""Push a batch through a net and compare the size of the signal in every layer with theory.

Size is the mean square over units and examples; the laws are those of `variance_laws`. Backwards, an error signal of
independent normal numbers is sent from the outputs, so that no targets are needed.

Theory is a chain: what it gives for one layer is what it starts from in the next. It starts anew from the measured
value after (forwards) or before (backwards) whatever it has no law for: pooling, recurrence, operations outside of
layers. E[w^2] is measured, so that theory holds for any scheme of first weights; for a trained net the distance from
it says how far weights and signal have come to depend on each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from neurarium.checks import ConfigError, ShapeError
from neurarium.learning.trace.undisturbed import undisturbed
from neurarium.learning.variance_laws import NET_INPUTS, SAME, backward_law, forward_law, kernel_share, mean_square


@dataclass(frozen=True)
class LayerVariance:
    """One call of a layer.

    Attributes:
        name: qualified name in the net; empty for the net itself.
        kind: class of the layer.
        mean_square: of its outputs, over units and examples.
        variance: of its outputs, over units and examples.
        ratio: mean square of its outputs over that of its inputs; none where those are zero or no real numbers.
        theory: mean square of its outputs by the chain of laws; none where there is no law.
        error_signal: mean square of the derivative by its outputs, for an error signal of mean square about 1 at
            the outputs of the net; none where it does not reach.
        error_theory: the same by the chain of laws; none for the last layer, and where there is no law.
    """

    name: str
    kind: str
    mean_square: float
    variance: float
    ratio: float | None
    theory: float | None
    error_signal: float | None
    error_theory: float | None


def variances(net: nn.Module, inputs: Tensor | tuple[Tensor, ...], seed: int = 0) -> list[LayerVariance]:
    """Measure the signal of a batch in every layer, forwards and backwards, beside its theory.

    The net runs in evaluation mode and is left as it was: modes, buffers, gradients, random generators.

    Args:
        net: any module that answers with one tensor.
        inputs: a batch (batch, *shape), scaled as in training; or several tensors, for a net that takes them.
        seed: of the error signal at the outputs.

    Returns:
        A row for each call of a layer without layers inside it, in the order of computation.

    Raises:
        ShapeError: no examples.
        ConfigError: the net answers with something else, or holds no layer that answers with real numbers.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> net = nn.Sequential(nn.Linear(1000, 1000, bias=False), nn.ReLU())
        >>> _ = nn.init.normal_(net[0].weight, std=math.sqrt(2 / 1000))
        >>> for row in variances(net, torch.randn(200, 1000)):
        ...     print(row.kind, round(row.mean_square, 1), round(row.theory, 1))
        Linear 2.0 2.0
        ReLU 1.0 1.0
    """
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    if not given or given[0].dim() == 0 or given[0].numel() == 0:
        shape = f"shape {tuple(given[0].shape)}" if given else "no tensor"
        raise ShapeError("inputs", expected="a batch with at least one example", got=shape)
    xs = [x.detach().clone().requires_grad_(x.is_floating_point()) for x in given]
    follower = _Follower()
    with undisturbed(net), torch.enable_grad(), follower.listening(net):
        net.eval()
        with follower:
            outputs = net(*xs)
        if not isinstance(outputs, Tensor) or not follower.calls:
            raise ConfigError(
                "net", expected="layers, and one tensor of real numbers for an answer", got=type(net).__name__
            )
        ends = [x for x in xs if x.requires_grad]
        if len(ends) < len(xs):  # what integers choose learns, but has no slope of its own
            ends += [p for p in net.parameters() if p.requires_grad]
        if outputs.requires_grad and ends:
            error = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(seed)).to(outputs)
            torch.autograd.grad(outputs, ends, error, allow_unused=True)  # the hooks listen; no gradient is kept
    return follower.rows()


@dataclass(eq=False)
class _Call:
    """One call of a layer: what it measured, the call that made its input, the calls that its output fed."""

    name: str
    layer: nn.Module
    incoming: float
    source: _Call | None
    share: float
    per_input: float
    mean_square: float
    variance: float
    theory: float | None = None
    used_outside: bool = False
    errors: list[float] = field(default_factory=list)
    fed: list[_Call] = field(default_factory=list)

    @property
    def q(self) -> float:
        """Mean square of the inputs, from which theory goes on."""
        if self.source is None:
            return self.incoming
        return self.source.mean_square if self.source.theory is None else self.source.theory

    @property
    def backwards(self) -> float | None:
        """Factor on the error signal by the laws."""
        return backward_law(self.layer, self.q, self.share, self.per_input, self.takes_normal)

    @property
    def takes_normal(self) -> bool:
        """Whether the inputs are net inputs, or normalized ones, perhaps rearranged."""
        if self.source is None:
            return False
        if isinstance(self.source.layer, SAME):
            return self.source.takes_normal
        return isinstance(self.source.layer, NET_INPUTS)


class _Follower(TorchFunctionMode):
    """Notes each layer's call, and by which tensors calls hang together.

    A view made outside of layers hands its source on; any other operation there breaks the chain.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[_Call] = []
        self._makers = WeakIdKeyDictionary()
        self._entered: list[tuple[float, _Call | None, torch.Size]] = []

    @contextmanager
    def listening(self, net: nn.Module) -> Iterator[None]:
        handles = []
        try:
            for name, module in net.named_modules():
                # weights computed by a parametrisation belong to their layer
                inner = [child for child, _ in module.named_children() if child != "parametrizations"]
                if not inner and "parametrizations" not in name:
                    handles.append(module.register_forward_pre_hook(self._enter))
                    handles.append(module.register_forward_hook(self._leaving(name)))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self._entered and isinstance(result, Tensor):
            for source in _tensors([*args, *(kwargs or {}).values()]):
                maker = self._makers.get(source)
                if maker is None:
                    continue
                if result is not source and result._is_view() and result.numel() == source.numel():
                    self._makers[result] = maker
                else:
                    maker.used_outside = True
                    if result is source:  # overwritten in place
                        del self._makers[source]
        return result

    def _enter(self, layer: nn.Module, args: tuple[Any, ...]) -> None:
        x = next(_tensors(args), None)
        self._entered.append((math.nan, None, torch.Size()))  # from here on operations are the layer's own
        if x is not None:
            # measured now and not later: a layer may overwrite its input
            size = mean_square(x) if x.is_floating_point() else math.nan
            self._entered[-1] = (size, self._makers.get(x), x.shape)

    def _leaving(self, name: str) -> Any:
        def leave(layer: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            incoming, source, shape = self._entered[-1]
            if isinstance(output, Tensor) and output.is_floating_point():
                call = _Call(
                    name, layer, incoming, source,
                    share=kernel_share(layer, shape),
                    per_input=output.numel() / max(1, shape.numel()),
                    mean_square=mean_square(output),
                    variance=output.detach().double().var(correction=0).item(),
                )  # fmt: skip
                call.theory = forward_law(layer, call.q, call.share, call.takes_normal)
                if source is not None:
                    source.fed.append(call)
                if output.requires_grad:
                    output.register_hook(lambda error: call.errors.append(mean_square(error)))
                self._makers[output] = call
                self.calls.append(call)
            self._entered.pop()

        return leave

    def rows(self) -> list[LayerVariance]:
        """Rows in the order of computation; theory of the error signal is chained from the last to the first."""
        expected: dict[_Call, float] = {}
        rows = []
        for call in reversed(self.calls):
            measured = call.errors[-1] if call.errors else None
            parts = [(after.backwards, expected.get(after)) for after in call.fed]
            known = [factor * signal for factor, signal in parts if factor is not None and signal is not None]
            whole = parts and len(known) == len(parts) and not call.used_outside
            theory = sum(known) if measured is not None and whole else None
            handed_on = measured if theory is None else theory
            if handed_on is not None:
                expected[call] = handed_on
            ratio = call.mean_square / call.incoming if call.incoming > 0 else None
            rows.append(
                LayerVariance(
                    call.name, type(call.layer).__name__, call.mean_square, call.variance, ratio, call.theory,
                    measured, theory,
                )
            )  # fmt: skip
        return rows[::-1]


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
