"""A net and where it computes: what a task needs to run it over examples."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurarium.data.batch import Batch
from neurarium.data.examples import Examples
from neurarium.data.plan import in_order
from neurarium.tasks.task import Context, Outputs, Trainable, detached, evaluating, in_floats

EVALUATION_BATCH = 1000


@dataclass(frozen=True, eq=False)
class Model:
    """A trained net on its device.

    `autocast`: context of the number format in which it computes.
    """

    net: nn.Module
    device: torch.device
    autocast: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext

    def run(self, task: Trainable, batch: Batch) -> Outputs:
        """Outputs in float32 (float64 of a net of float64), in evaluation mode and without a gradient."""
        quiet = torch.enable_grad() if task.uses_gradient else torch.inference_mode()
        with evaluating(self.net), quiet, self.autocast():
            return detached(in_floats(task.forward(self.net, batch.to(self.device), Context())))

    def answers(self, task: Trainable, examples: Examples) -> Iterator[tuple[Batch, Outputs]]:
        """Yield batches with the net's outputs, in the order in which the examples lie."""
        with contextlib.closing(in_order(examples, EVALUATION_BATCH)) as batches:
            for batch in batches:
                batch = batch.to(self.device)
                yield batch, self.run(task, batch)

    def outputs(self, task: Trainable, examples: Examples) -> tuple[Tensor, float]:
        """All outputs, a row an entry, on the CPU, and the mean of the loss."""
        parts: list[Tensor] = []
        totals: list[list[float]] = []
        for batch, outputs in self.answers(task, examples):
            counts = task.counts(batch)
            terms = [float(term) for term in task.terms(outputs, batch, counts)]
            totals.append([t * float(c) for t, c in zip(terms, counts[:-1], strict=True)] + counts.tolist())
            assert isinstance(outputs, Tensor)
            parts.append(outputs.cpu())
        terms_of = len(totals[0]) // 2
        sums = [sum(column) for column in zip(*totals, strict=True)]
        return torch.cat(parts), sum(sums[k] / sums[terms_of + k] for k in range(terms_of))
