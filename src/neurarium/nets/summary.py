"""Every layer of a net with its output shape, parameters, multiply-adds and receptive field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations
from torch.utils.hooks import RemovableHandle

from neurarium.checks import ShapeError
from neurarium.nets.dataflow import Dataflow
from neurarium.nets.evaluating import evaluating
from neurarium.nets.seen import Sight

_NAMES = {"addmm": "linear", "mm": "matmul", "bmm": "matmul", "baddbmm": "matmul", "mv": "matmul", "addmv": "linear"}


@dataclass(frozen=True)
class Row:
    """One layer, or one operation that a net performs outside of any layer.

    Args:
        name: qualified name in the net, such as "layers.c1"; empty for the net itself.
        kind: class of the layer, or name of the operation.
        output: shape of what it makes, of one example without the batch.
        parameters: those that no row above has counted.
        multiply_adds: of the input; None where an operation was not one that is counted (`dataflow.multiply_adds`).
        receptive_field: along each axis of the input (size, jump, start), or "all", or "unknown" where the operation
            is not one that can be followed.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int | None
    receptive_field: tuple[Sight, ...]


@dataclass(frozen=True)
class Summary:
    """A net in numbers: its rows in the order of computation, and their totals."""

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    multiply_adds: int | None
    receptive_field: tuple[Sight, ...]


def summarise(net: nn.Module, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> Summary:
    """Run one example of zeros through a net and write down what each layer does to it.

    A row stands for every layer that holds parameters or changes the shape, and for every operation in a `forward`
    outside of such layers that multiplies and adds or makes a unit see more. Parameters used twice count once.
    Multiply-adds are those of convolutions, matrix products, attention and LSTMs. Receptive fields are those of the
    inner units: at a border part of the field is padding. What an operation costs that is not known counts as unknown,
    for it and for all that it is part of.

    The net runs in evaluation mode without gradients, and is left as it was: training mode, running statistics,
    random generator of the CPU.

    Args:
        net: any module that takes one tensor (batch, *shape).
        shape: one example without the batch: (features,), or (channels, ...) followed by the axes to follow.
        dtype: of the example; that of the net's first floating-point parameter by default.

    Raises:
        ShapeError: an empty shape, or one that the net refuses.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(864, 10))
        >>> for row in summarise(net, (1, 28, 28)).rows:
        ...     print(row.kind, row.output, row.parameters, row.multiply_adds)
        Conv2d (6, 24, 24) 156 86400
        MaxPool2d (6, 12, 12) 0 0
        Flatten (864,) 0 0
        Linear (10,) 8650 8640
    """
    if not shape or min(shape) < 1:
        raise ShapeError("shape", expected="the sizes of one example, each >= 1", got=str(shape))
    floating = [p for p in net.parameters() if p.is_floating_point()]
    like = floating[0] if floating else torch.empty(0)
    x = torch.zeros((1, *shape), dtype=dtype or like.dtype, device=like.device)
    return _summary(net, (x,), watched=list(range(2, x.ndim)) if x.ndim > 2 else [1])


def summarise_batch(net: nn.Module, inputs: tuple[Tensor, ...]) -> Summary:
    """Run a batch through a net of any inputs and write down what each layer does to it, as `summarise` does.

    Shapes and multiply-adds are those of the whole batch. Receptive fields are unknown, as there need be no axis to
    follow.

    Args:
        net: called as net(*inputs); left as it was.
        inputs: on the device of the net.

    Example:
        >>> net = nn.Bilinear(2, 3, 4)
        >>> summary = summarise_batch(net, (torch.zeros(5, 2), torch.zeros(5, 3)))
        >>> summary.rows[0].output, summary.parameters, summary.multiply_adds
        ((5, 4), 28, None)
    """
    return _summary(net, inputs)


def _summary(net: nn.Module, inputs: tuple[Tensor, ...], watched: list[int] | None = None) -> Summary:
    """Run a net and record it, following the dimensions `watched` of its only input, or a whole batch as it is."""
    recorder = _Recorder(net, axes=len(watched or [0]), whole=watched is None)
    with _undisturbed(net), recorder.listening(), torch.no_grad(), recorder.flow as flow:
        if watched is not None:
            flow.watch(inputs[0], axes=watched)
        output = net(*inputs)
    unique = {id(p): p for p in net.parameters()}.values()
    return Summary(
        rows=tuple(recorder.rows),
        parameters=sum(p.numel() for p in unique),
        trainable=sum(p.numel() for p in unique if p.requires_grad),
        multiply_adds=_total(row.multiply_adds for row in recorder.rows),
        receptive_field=recorder.sights(_first_tensor(output)),
    )


def _total(counts: Iterable[int | None]) -> int | None:
    """The sum; None where one of them is not known."""
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total


@dataclass
class _Frame:
    """A module at work."""

    name: str
    is_layer: bool
    shape: tuple[int, ...]
    multiply_adds: int | None = 0


class _Recorder:
    """Turns the coming and going of modules and operations into rows."""

    def __init__(self, net: nn.Module, axes: int, whole: bool) -> None:
        self.rows: list[Row] = []
        self.flow = Dataflow(self._operation)
        self._net = net
        self._axes = axes
        self._whole = whole
        self._frames: list[_Frame] = []
        self._counted: set[int] = set()

    @contextmanager
    def listening(self) -> Iterator[None]:
        handles: list[RemovableHandle] = []
        try:
            for name, module in self._net.named_modules():
                if "parametrizations" in name.split("."):  # a way to write its layer's weight, no layer of its own
                    continue
                handles.append(module.register_forward_pre_hook(self._entering(name), with_kwargs=True))
                handles.append(module.register_forward_hook(self._leave))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def sights(self, x: Tensor | None) -> tuple[Sight, ...]:
        seen = None if x is None else self.flow.seen(x)
        unknown: Sight = "unknown"
        return (unknown,) * self._axes if seen is None else seen.sights

    def _entering(self, name: str) -> Any:
        def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            x = _first_tensor([*args, *kwargs.values()])
            is_layer = _holds_parameters(module) or not any(True for _ in module.children())
            self._frames.append(_Frame(name, is_layer, () if x is None else tuple(x.shape)))

        return enter

    def _leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        frame = self._frames.pop()
        y = _first_tensor(output)
        fresh = {id(p): p.numel() for p in module.parameters() if id(p) not in self._counted}
        self._counted |= fresh.keys()
        reshapes = y is not None and tuple(y.shape) != frame.shape
        if fresh or (frame.is_layer and (reshapes or _holds_parameters(module) or frame.multiply_adds != 0)):
            self._add(
                frame.name, type_before_parametrizations(module).__name__, y, sum(fresh.values()), frame.multiply_adds
            )

    def _operation(self, name: str, multiply_adds: int | None, output: Tensor, sees_more: bool) -> None:
        if self._frames and self._frames[-1].is_layer:
            frame = self._frames[-1]
            frame.multiply_adds = _total((frame.multiply_adds, multiply_adds))
        elif multiply_adds != 0 or sees_more:
            kind = _NAMES.get(name, name.removesuffix("_with_indices").strip("_"))
            kind = "scaled_dot_product_attention" if kind.startswith("scaled_dot_product") else kind
            inside = self._frames[-1].name if self._frames else ""
            self._add(f"{inside}.{kind}" if inside else kind, kind, output, 0, multiply_adds)

    def _add(self, name: str, kind: str, y: Tensor | None, parameters: int, multiply_adds: int | None) -> None:
        shape = () if y is None else tuple(y.shape if self._whole else y.shape[1:])
        self.rows.append(Row(name, kind, shape, parameters, multiply_adds, self.sights(y)))


@contextmanager
def _undisturbed(net: nn.Module) -> Iterator[None]:
    with evaluating(net), torch.random.fork_rng(devices=[]):
        yield


def _holds_parameters(module: nn.Module) -> bool:
    return is_parametrized(module) or any(True for _ in module.parameters(recurse=False))


def _first_tensor(value: Any) -> Tensor | None:
    if isinstance(value, Tensor):
        return value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return next((found for item in inner if (found := _first_tensor(item)) is not None), None)
