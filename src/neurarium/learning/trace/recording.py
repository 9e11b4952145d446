"""Watch a net at work: which layers run in which order, what they take and make, what error comes back to them.

A layer is a module inside whose `forward` no other module runs. That takes `nn.MultiheadAttention` and `nn.LSTM` whole,
counts a layer as often as it is used, and makes a net of bare functions a single layer.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle
from torch.utils.weak import WeakIdKeyDictionary

from neurarium.learning.trace.structure import floats_in, mapped, tensors_in
from neurarium.learning.trace.units import Statistics, dead_fraction, length, saturated_fraction, statistics


@dataclass(eq=False)
class Use:
    """One use of a layer: what a few examples brought in, what the batch made of it, what came back.

    Attributes:
        args, kwargs: inputs of the few examples, copied before the layer could change them.
        axes: of each tensor among them, by its `id`: the axis of the examples, or None.
        sources: those that depend on a parameter, another layer or the net's inputs, each with that axis.
        before: the use that made the first input; None where it comes from outside of layers.
        incoming: mean square of that input, where no use made it.
        per_input: numbers in the first output for one in the first input.
        used_outside: whether an operation outside of layers has taken the output up.
        output_shape: of the first output, without the axis of the examples.
        moments: mean and variance by which a batch normalization has scaled this batch.
        errors: length and size of the error signal of each output that one came back to.
    """

    name: str
    layer: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    axes: dict[int, int | None]
    sources: list[tuple[Tensor, int]]
    moments: tuple[Tensor, Tensor] | None
    before: "Use | None"
    incoming: float
    input_shape: torch.Size
    per_input: float = 0.0
    used_outside: bool = False
    output_shape: tuple[int, ...] = ()
    axis: int = 0
    made: Statistics | None = None
    saturated: float | None = None
    dead: float | None = None
    errors: list[tuple[float, int]] = field(default_factory=list)
    is_layer: bool = True


class Recorder(TorchFunctionMode):
    """Turns the coming and going of modules into uses of layers, and knows which use made a tensor.

    A view made outside of layers hands its maker on; any other operation there breaks the chain.

    Args:
        counts: how long an axis of examples is: as the inputs have rows, and where a row is but a part of an example
            (an atom of a molecule), as there are examples.
        axis: of the examples in the net's inputs.
        kept: how many examples to keep of what goes into each layer.
    """

    def __init__(self, net: nn.Module, counts: Sequence[int], axis: int, kept: int, inputs: list[Tensor]) -> None:
        super().__init__()
        self.uses: list[Use] = []
        self.origins: list[Tensor] = []
        """Where error signals end that come back to no parameter."""
        self._net, self._counts, self._axis, self._kept = net, counts, axis, min(kept, *counts)
        self._inputs = {id(x) for x in inputs}
        self._working: list[Use] = []
        self._makers = WeakIdKeyDictionary()
        self._in_layer = 0  # innermost modules at work

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Watch what runs inside; the hooks are gone afterwards, whatever happens."""
        handles: list[RemovableHandle] = []
        try:
            for name, module in _modules_that_compute(self._net):
                handles.append(module.register_forward_pre_hook(self._entering(name), with_kwargs=True))
                handles.append(module.register_forward_hook(self._leave))
            with self:
                yield
        finally:
            for handle in handles:
                handle.remove()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note what becomes of layers' outputs outside of layers."""
        result = func(*args, **(kwargs or {}))
        if not self._in_layer and isinstance(result, Tensor):
            for x in tensors_in((args, kwargs)):
                maker = self._makers.get(x)
                if maker is not None and result is not x and result._is_view() and result.numel() == x.numel():
                    self._makers[result] = maker
                elif maker is not None:
                    maker.used_outside = True
                    if result is x:  # overwritten in place
                        del self._makers[x]
        return result

    def _entering(self, name: str) -> Any:
        def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._in_layer += _is_innermost(module)
            if self._working:
                self._working[-1].is_layer = False
            # a mask over pairs of places is the same for every example, whatever its size
            shared = {id(kwargs["attn_mask"])} if isinstance(kwargs.get("attn_mask"), Tensor) else set()
            few: dict[int, tuple[Tensor, int | None]] = {}

            def reduced(x: Tensor) -> Tensor:
                if id(x) not in few:  # what comes in twice stays one tensor
                    axis = None if id(x) in shared else self._batch_axis(x, module)
                    few[id(x)] = self._few(x, axis), axis
                return few[id(x)][0]

            with _unseen(), torch.no_grad():
                few_args, few_kwargs = mapped((args, kwargs), reduced)
                moments = _moments(module, args)
                floats = {id(x): x for x in floats_in((args, kwargs))}.values()
                driven = [x for x in floats if x.requires_grad or id(x) in self._inputs] or list(floats)[:1]
                sources = [few[id(x)] for x in driven]
                axes = {id(x): axis for x, axis in few.values()}
                x = next(tensors_in((args, kwargs)), torch.empty(0))
                before = self._makers.get(x)
                # measured now: a layer may overwrite its input
                incoming = length(x) ** 2 / x.numel() if before is None and floats_in(x) else math.nan
                driving = [(x, k) for x, k in sources if k is not None]
                self._working.append(
                    Use(name, module, few_args, few_kwargs, axes, driving, moments, before, incoming, x.shape)
                )

        return enter

    def _leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        with _unseen():
            output = self._finished(self._working.pop(), module, output)
        self._in_layer -= _is_innermost(module)
        return output

    def _finished(self, use: Use, module: nn.Module, output: Any) -> Any:
        floats = floats_in(output)
        if not use.is_layer or not floats:
            return None
        self.uses.append(use)
        if torch.is_grad_enabled() and not all(y.requires_grad and not y._is_view() for y in floats):
            output = mapped(output, self._watchable)
            floats = floats_in(output)
        main = floats[0]
        axis = self._batch_axis(main, module)
        use.axis = axis or 0
        use.output_shape = tuple(size for k, size in enumerate(main.shape) if k != axis)
        use.per_input = main.numel() / max(1, use.input_shape.numel())
        use.made = statistics(main)
        self._makers[main] = use
        use.saturated, use.dead = saturated_fraction(module, main), dead_fraction(module, main, use.axis)
        for y in floats:
            if y.requires_grad:
                y.register_hook(_note(use))
        return output

    def _watchable(self, y: Tensor) -> Tensor:
        """Let an error signal come back to `y`, and keep the hook on it alive."""
        if not y.is_floating_point():
            return y
        if not y.requires_grad:  # all before it is fixed
            y = y.detach().requires_grad_()
            self.origins.append(y)
            return y.clone()
        # a view loses its hook when it is changed in place
        return y.clone() if y._is_view() else y

    def _few(self, x: Tensor, axis: int | None) -> Tensor:
        x = x.detach()
        if axis is None:
            return x.clone()
        rows = torch.linspace(0, x.shape[axis] - 1, min(self._kept, x.shape[axis]), device=x.device).long()
        return x.index_select(axis, rows)

    def _batch_axis(self, x: Tensor, module: nn.Module) -> int | None:
        """Find the axis of the examples; the first where they have been merged with another, so that a row is one."""
        second = isinstance(module, nn.RNNBase | nn.MultiheadAttention) and not module.batch_first and x.dim() == 3
        for count in self._counts:
            for axis in (1 if second else self._axis, *range(x.dim())):
                if axis < x.dim() and x.shape[axis] == count:
                    return axis
        merged = x.dim() > 1 and x.shape[0] > 0 and x.shape[0] % self._counts[0] == 0
        return 0 if merged else None


def _modules_that_compute(net: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield all modules but those that only make a weight, such as a weight normalization inside a linear layer."""
    makers = {
        id(inner) for module in net.modules() if isinstance(module, ParametrizationList) for inner in module.modules()
    }
    yield from ((name, module) for name, module in net.named_modules() if id(module) not in makers)


def _unseen() -> Any:
    """Let the recorder work without watching itself."""
    return torch._C.DisableTorchFunction()  # of tensors' own kinds too; there is no other way to pause a mode


def _is_innermost(module: nn.Module) -> bool:
    """Whether nothing but what makes its weights is inside."""
    return all(name == "parametrizations" for name, _ in module.named_children())


def _note(use: Use) -> Any:
    def look(error: Tensor | None) -> None:
        if error is not None:  # a layer with several outputs is told of those that the loss does not use
            use.errors.append((length(error), error.numel()))

    return look


def _moments(module: nn.Module, args: tuple[Any, ...]) -> tuple[Tensor, Tensor] | None:
    """Mean and variance of the batch, where a batch normalization is about to scale by them."""
    if not isinstance(module, nn.modules.batchnorm._BatchNorm) or not args:
        return None
    if not module.training and module.running_mean is not None:
        return None
    others = [axis for axis in range(args[0].dim()) if axis != 1]
    variance, mean = torch.var_mean(args[0].detach(), others, correction=0)
    return mean, variance
