"""Rules without a session: a recipe, a net, a schema, and batches by hand."""

from typing import Any

import torch
from torch import Tensor, nn

from neurarium.data.batch import Batch
from neurarium.record.schema import Field, Schema, image_schema
from neurarium.tasks.table import task_of
from neurarium.tasks.task import Context, Task
from neurarium.training.device import DeviceConfig
from neurarium.training.recipe import Recipe
from neurarium.training.rules.rule import LearningRule, Setup, Update
from neurarium.training.rules.table import make_rule, resolved

CPU = DeviceConfig(torch.device("cpu"))
classes = image_schema


def numbers(shape: tuple[int, ...], count: int) -> Schema:
    """Examples with so many numbers to predict."""
    return Schema({"x": Field(shape)}, {"y": Field((count,))})


def make(
    recipe: Recipe,
    schema: Schema,
    net: nn.Module | None = None,
    total: int = 10,
    device_config: DeviceConfig = CPU,
    task: Task | None = None,
) -> Any:
    """The rule of a recipe, its settings checked as when a run starts."""
    recipe = resolved(recipe)
    net = recipe.net.build(schema) if net is None else net
    rule = make_rule(Setup(recipe, net, task or task_of(recipe, schema), schema, device_config, total))
    assert isinstance(rule, LearningRule)
    return rule


def batch_of(x: Tensor, targets: Tensor | None = None) -> Batch:
    """A batch of one input tensor."""
    return Batch((x,), (torch.zeros(len(x), dtype=torch.int64) if targets is None else targets,), len(x))


def step(rule: LearningRule, batch: Batch, number: int = 0, parts: int = 1, epoch: int = 1) -> Update:
    """One update, the batch cut into parts."""
    size = -(-batch.size // parts)
    pieces = zip(batch.x.split(size), batch.labels.split(size), strict=True)
    return rule.step(tuple(batch_of(*piece) for piece in pieces), Context(0, epoch, number, training=True))


def sums(rule: LearningRule, batch: Batch) -> tuple[float, float]:
    """Sums of loss and errors over the examples of a batch, measured."""
    measured = rule.measure(batch)
    (mean,), errors, (count, units) = measured.terms, measured.errors, measured.counts
    assert count == units == batch.size
    return mean * batch.size, errors
