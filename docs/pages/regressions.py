"""Logistic and softmax regression of a table in hand, by the learning rule of the recipes of these names."""

import torch
from torch import Tensor

from neurarium.data.dataset import Dataset
from neurarium.data.table import Table
from neurarium.learning.least_squares import Solution
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.feedforward.regression_specs import LinearSpec, LogisticSpec
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.training.recipe import Recipe
from neurarium.training.session import build_session


def logistic_regression(x: Tensor, y: Tensor, l2: float, epochs: int = 200) -> Solution:
    """Weights that tell the second class from the first."""
    return _fitted(LogisticSpec(), x, y, l2, epochs)


def softmax_regression(x: Tensor, y: Tensor, l2: float, epochs: int = 200) -> Solution:
    """A row of weights a class."""
    return _fitted(LinearSpec(), x, y, l2, epochs)


def _fitted(net: NetSpec, x: Tensor, y: Tensor, l2: float, epochs: int) -> Solution:
    classes = tuple(map(str, range(int(y.max()) + 1)))
    schema = Schema({"features": Field((x.shape[1],))}, {"label": Field((), categories=classes)})
    examples = Table((x,), (y,), schema)
    none = examples.select(torch.arange(0))
    plan = Recipe(
        net=net, optimizer=Optimizer("closed-form", l2=l2), epochs=epochs, batch_size=len(x), device="cpu",
        threads=torch.get_num_threads(),
    )  # fmt: skip
    session = build_session(plan, Dataset("table", examples, none, none, schema))
    list(session.events())
    head = session.net.head
    return Solution(head.weight.detach().double(), head.bias.detach().double(), x.shape[1])
