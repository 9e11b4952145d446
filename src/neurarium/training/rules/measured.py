"""What a rule of a task's loss says of a batch that it does not learn from."""

import torch
from torch import nn

from neurarium.data.batch import Batch
from neurarium.tasks.task import Context, Trainable, detached, in_floats
from neurarium.training.device import DeviceConfig, to_floats
from neurarium.training.rules.rule import Sums


def measured(net: nn.Module, task: Trainable, device_config: DeviceConfig, batch: Batch) -> Sums:
    """Loss and errors of a net in evaluation mode, learning nothing."""
    with torch.enable_grad() if task.uses_gradient else torch.inference_mode():
        with device_config.autocast():
            outputs = detached(in_floats(task.forward(net, batch, Context())))
        counts = task.counts(batch)
        terms = task.terms(outputs, batch, counts)
        values = to_floats(*terms, task.errors(outputs, batch), *counts)
    return Sums(tuple(values[: len(terms)]), values[len(terms)], tuple(values[len(terms) + 1 :]))
