"""Every layer of a net with its output shape, its parameters and its multiply-adds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import type_before_parametrizations
from torch.utils._python_dispatch import TorchDispatchMode

from neurarium.checks import ShapeError
from neurarium.nets.evaluating import evaluating
from neurarium.nets.interfaces import Paired
from neurarium.nets.multiply_adds import multiply_adds
from neurarium.record.notebook import html_table

_FEW = 3  # like layers that are shown one by one


@dataclass(frozen=True)
class Row:
    """One layer, or more than three like ones in succession.

    Args:
        name: qualified name in the net, such as "layers.c1"; empty for the net itself; "blocks.0.linear x 12" for
            twelve layers of which this is the first.
        kind: class of the layer.
        output: shape of what it makes in its first call, of one example without the batch.
        parameters: those that no row above has counted.
        multiply_adds: of all its calls, outside of the layers that it is made of; None where it is not known.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int | None


@dataclass(frozen=True)
class Summary:
    """A net in numbers: its rows in the order of computation, and their totals."""

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    multiply_adds: int | None

    def __repr__(self) -> str:
        return f"Summary({len(self.rows)} rows: {self._totals()})"

    def _repr_html_(self) -> str:
        rows = (
            (row.name, row.kind, " x ".join(map(str, row.output)), f"{row.parameters:,}", _said(row.multiply_adds))
            for row in self.rows
        )
        return html_table(self._totals(), rows, ("layer", "kind", "output", "parameters", "multiply-adds"))

    def _totals(self) -> str:
        frozen = "" if self.trainable == self.parameters else f" ({self.trainable:,} trainable)"
        return f"{self.parameters:,} parameters{frozen}, {_said(self.multiply_adds)} multiply-adds"


def summarize(net: nn.Module, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> Summary:
    """Run one example of zeros through a net and write down what each layer does to it.

    A row stands for every module that holds parameters, multiplies and adds, or, being made of no others, changes the
    shape. What a module does and holds outside of those that it is made of is its own. Parameters used twice count
    once, costs at each use; what is not known makes the total unknown.

    The net runs in evaluation mode without gradients, and is left as it was: training mode, running statistics,
    torch's random generators.

    Args:
        net: any module that takes one tensor (batch, *shape).
        shape: one example without the batch.
        dtype: of the example; that of the net's first floating-point parameter by default.
    Raises ShapeError: an empty shape, or one that the net refuses.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(864, 10))
        >>> for row in summarize(net, (1, 28, 28)).rows:
        ...     print(row.kind, row.output, row.parameters, row.multiply_adds)
        Conv2d (6, 24, 24) 156 86400
        MaxPool2d (6, 12, 12) 0 0
        Flatten (864,) 0 0
        Linear (10,) 8650 8640
    """
    if not shape or min(shape) < 1:
        raise ShapeError("shape", expected="the sizes of one example, each >= 1", got=str(shape))
    like = next((p for p in net.parameters() if p.is_floating_point()), torch.empty(0))
    whole = summarize_batch(net, (torch.zeros((1, *shape), dtype=dtype or like.dtype, device=like.device),))
    return replace(whole, rows=tuple(replace(row, output=row.output[1:]) for row in whole.rows))


def summarize_batch(net: nn.Module, inputs: tuple[Tensor, ...]) -> Summary:
    """Run a batch through a net of any inputs and write down what each layer does to it, as `summarize` does.

    Shapes and multiply-adds are those of the whole batch.

    Args:
        net: called as net(*inputs); left as it was.
        inputs: on the device of the net.

    Example:
        >>> net = nn.Bilinear(2, 3, 4)
        >>> summary = summarize_batch(net, (torch.zeros(5, 2), torch.zeros(5, 3)))
        >>> summary.rows[0].output, summary.parameters, summary.multiply_adds
        ((5, 4), 28, None)
    """
    recorder = _Recorder()
    with _undisturbed(net, inputs), recorder.listening(net), torch.no_grad(), recorder:
        if isinstance(net, Paired):
            net.make(len(inputs[0]))
        net(*inputs)
    rows, parameters = recorder.rows.values(), list(net.parameters())
    return Summary(
        rows=tuple(_gathered(rows)),
        parameters=sum(p.numel() for p in parameters),
        trainable=sum(p.numel() for p in parameters if p.requires_grad),
        multiply_adds=_total(row.multiply_adds for row in rows),
    )


def _total(counts: Iterable[int | None]) -> int | None:
    """The sum; None where one of them is not known."""
    found = list(counts)
    return None if None in found else sum(count or 0 for count in found)


def _said(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def _gathered(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, those of many like layers as one: they differ in the numbers in their names alone."""
    for _, found in groupby(rows, lambda row: replace(row, name=re.sub(r"\d+", "#", row.name))):
        several = list(found)
        if len(several) <= _FEW:
            yield from several
        else:
            yield replace(
                several[0],
                name=f"{several[0].name} x {len(several)}",
                parameters=sum(row.parameters for row in several),
                multiply_adds=_total(row.multiply_adds for row in several),
            )


@dataclass
class _Call:
    """A module at work."""

    shape: tuple[int, ...] | None
    multiply_adds: int | None = 0


class _Recorder(TorchDispatchMode):
    """Charges every operation to the module at work, and turns modules that have done their work into rows."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows: dict[str, Row] = {}
        self._calls = [_Call(None)]  # the last is at work, and around the net none is
        self._counted: set[int] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Guarding against the compiler would import it, most of a second, for a net that is only run.
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        with self:  # in inference mode an operation comes whole that is made of others
            output = func.decompose(*args, **kwargs)
        if output is NotImplemented:
            output, call = func(*args, **kwargs), self._calls[-1]
            call.multiply_adds = _total((call.multiply_adds, multiply_adds(func, args, kwargs, output)))
        return output

    @contextmanager
    def listening(self, net: nn.Module) -> Iterator[None]:
        """Hear of every module's coming and going."""
        handles = []
        try:
            for name, module in net.named_modules():
                if "parametrizations" not in name.split("."):  # a way to write its layer's weight, no layer of its own
                    handles.append(module.register_forward_pre_hook(self._enter, prepend=True, with_kwargs=True))
                    handles.append(module.register_forward_hook(self._leaving(name)))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._calls.append(_Call(_shape((args, kwargs))))

    def _leaving(self, name: str) -> Any:
        def leave(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            call, shape = self._calls.pop(), _shape(output)
            fresh = {id(p): p.numel() for p in module.parameters() if id(p) not in self._counted}
            self._counted |= fresh.keys()
            reshapes = shape != call.shape and not any(True for _ in module.children())
            if name in self.rows:
                row = self.rows[name]
                self.rows[name] = replace(row, multiply_adds=_total((row.multiply_adds, call.multiply_adds)))
            elif fresh or reshapes or call.multiply_adds != 0:
                kind = type_before_parametrizations(module).__name__
                self.rows[name] = Row(name, kind, shape or (), sum(fresh.values()), call.multiply_adds)

        return leave


@contextmanager
def _undisturbed(net: nn.Module, inputs: tuple[Tensor, ...]) -> Iterator[None]:
    with evaluating(net), torch.random.fork_rng(devices={x.device for x in inputs if x.is_cuda}):
        yield


def _shape(value: Any) -> tuple[int, ...] | None:
    """Shape of the first tensor in whatever a module takes or makes."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return next((shape for item in inner if (shape := _shape(item)) is not None), None)
