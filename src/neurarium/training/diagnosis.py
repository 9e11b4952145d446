"""Find the first layer where a number became infinite or undefined.

The batch is run once more with a look at every layer's output, then at every layer's error signal on the way back: a
gradient can overflow although the loss is finite.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from neurarium.checks import NonFiniteError
from neurarium.data.batch import Batch
from neurarium.nets.penalty import WithPenalty
from neurarium.record.events import Scores
from neurarium.tasks.task import Context, Trainable, in_floats
from neurarium.training.device import DeviceConfig


def first_non_finite(
    net: nn.Module, task: Trainable, batch: Batch, device_config: DeviceConfig, context: Context
) -> str:
    """Name the place where the first non-finite number arises, in the order of computation."""
    for tensor, name in zip(batch.inputs, batch.names or ["inputs"] * len(batch.inputs), strict=False):
        if tensor.is_floating_point() and not tensor.isfinite().all():
            return "inputs of the batch" if len(batch.inputs) == 1 else f"{name} of the batch"
    for name, parameter in net.named_parameters():
        if not parameter.isfinite().all():
            return f"weights {name}"
    forward: list[str] = []
    backward: list[str] = []
    hooks = []
    for name, layer in net.named_modules():
        if next(layer.children(), None) is None:
            title = f"{name} ({type(layer).__name__})" if name else type(layer).__name__
            hooks.append(layer.register_forward_hook(_note_output(title, forward)))
            hooks.append(layer.register_forward_pre_hook(_note_error_signal(title, backward)))
    # so that the first layer has an error signal at its inputs too
    inputs = tuple(t.detach().clone().requires_grad_() if t.is_floating_point() else t for t in batch.inputs)
    try:
        net.zero_grad(set_to_none=True)
        with device_config.autocast():
            outputs = task.forward(net, replace(batch, inputs=inputs), context)
        if forward:
            return f"output of layer {forward[0]}"
        if isinstance(outputs, WithPenalty):
            outputs, penalty = outputs
            if not penalty.isfinite().all():
                return "penalty of the net"
        loss = task.loss(in_floats(outputs), batch, task.counts(batch))
        if not loss.isfinite():
            return "loss (the net's outputs are finite)"
        loss.backward()
        if backward:
            return f"error signal of layer {backward[0]}"
        for name, parameter in reversed(list(net.named_parameters())):
            if parameter.grad is not None and not parameter.grad.isfinite().all():
                return f"gradient of {name}"
        return "gradient norm (each gradient is finite, their squares overflow)"
    finally:
        for hook in hooks:
            hook.remove()
        net.zero_grad(set_to_none=True)


def refuse_non_finite(net: nn.Module, step: int, validation: Scores | None = None) -> None:
    """Raise NonFiniteError where a weight, a buffer or a validation score is not finite after so many updates."""
    numbers = {n: t for n, t in net.state_dict().items() if t.is_floating_point() or t.is_complex()}
    # one wait for the device
    finite = not numbers or bool(torch.stack([tensor.isfinite().all() for tensor in numbers.values()]).all())
    wrong = [] if finite else [f"weights {n}" for n, tensor in numbers.items() if not tensor.isfinite().all()]
    wrong += [f"validation {name}" for name, score in (validation or {}).items() if not math.isfinite(score)]
    if wrong:
        raise NonFiniteError(
            f"{wrong[0]} after step {step}",
            expected="finite numbers",
            got="infinite or undefined ones",
            remedy="lower --optimizer.lr, or scale the inputs; the last checkpoint before it is kept",
        )


def _note_output(title: str, found: list[str]) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def look(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(output, Tensor) and not output.isfinite().all():
            found.append(title)

    return look


def _note_error_signal(title: str, found: list[str]) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    """Watch the gradient with respect to a layer's inputs: by a hook on the tensor, which in-place layers bear too."""

    def look(gradient: Tensor) -> None:
        if not gradient.isfinite().all():
            found.append(title)

    def attach(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        for tensor in inputs:
            if isinstance(tensor, Tensor) and tensor.requires_grad:
                tensor.register_hook(look)

    return attach
