"""What the contract suites fraction: nets of the catalog on drawn examples, recipes on a few of their own."""

import contextlib
import copy
import dataclasses
import functools
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from neurarium.checks import DataError
from neurarium.data import fashion_mnist, mnist
from neurarium.data.batch import Batch
from neurarium.data.catalog import SOURCES, load
from neurarium.data.dataset import Dataset
from neurarium.data.drawn import drawn
from neurarium.data.examples import Examples
from neurarium.nets.catalog import NETS
from neurarium.nets.interfaces import Memory
from neurarium.nets.spec import NetSpec
from neurarium.recipes.catalog import RECIPES
from neurarium.record.schema import Schema
from neurarium.tasks.table import task_of
from neurarium.tasks.task import Context, Task, Trainable
from neurarium.training.device import DeviceConfig
from neurarium.training.pretrained import Pretrained, role_of
from neurarium.training.recipe import Recipe
from neurarium.training.rules.gradient import TaskStep
from neurarium.training.session import Session, build_session

MOST_WEIGHTS = 20_000_000
"""A larger net is held to torchvision's (`nets/convolutional`) and not to every law: a step takes it seconds."""


def weights(spec: NetSpec) -> int:
    """How many there are, without making them where a net looks at no number of its own while it is built."""
    for device in ("meta", "cpu"):
        with contextlib.suppress(NotImplementedError), torch.device(device):
            backbone = NETS["mlp"]().build(spec.example()) if spec.needs else None
            return sum(p.numel() for p in spec.build(spec.example(), backbone).parameters())
    raise AssertionError(spec)


SPECS = {name: kind() for name, kind in NETS.items() if weights(kind()) <= MOST_WEIGHTS}
"""The nets of the catalog that the contract suites build, with their defaults."""


def build(spec: NetSpec, schema: Schema | None = None, seed: int = 0) -> nn.Module:
    """A net with drawn weights, on a fresh perceptron where it needs a backbone; a memory holds something."""
    schema = schema or spec.example()
    torch.manual_seed(seed)
    net = spec.build(schema, NETS["mlp"]().build(schema) if spec.needs else None)
    if isinstance(net, Memory):
        net.store(drawn(schema, 3, seed).gather(torch.arange(3)).x)
    if not any(p.any() for p in net.parameters()):  # a net that begins at zero answers nothing worth looking at
        for parameter in net.parameters():
            nn.init.normal_(parameter)
    return net


def task(spec: NetSpec, schema: Schema | None = None) -> Task:
    """What is asked of a net on drawn examples."""
    return task_of(Recipe(net=spec), schema or spec.example())


def batch(spec: NetSpec, count: int, seed: int = 1, double: bool = False) -> Batch:
    """Drawn examples of the schema that a net can take."""
    found = drawn(spec.example(), count, seed).gather(torch.arange(count))
    return found.map(lambda t: t.double() if t.is_floating_point() else t) if double else found


def first(outputs: object) -> Tensor:
    """The outputs themselves, of a net that answers with a penalty or several tensors beside."""
    return outputs if isinstance(outputs, Tensor) else outputs[0]  # type: ignore[index,no-any-return]


@functools.cache
def real(name: str) -> Dataset | None:
    """The data that a recipe names, where they come with the package or a package that the tests install."""
    if SOURCES[name][0].__module__ in (mnist.__name__, fashion_mnist.__name__):
        return None  # files that are on some machines, and are fetched on others
    try:
        return load(name)
    except DataError:
        return None


def few(recipe: Recipe, counts: tuple[int, int, int]) -> Dataset:
    """A few of the examples that a recipe names, evenly spread; drawn ones where they cannot be had here."""
    data = real(recipe.data)
    if data is None:
        parts = [drawn(recipe.net.example(), count, seed) for seed, count in enumerate(counts)]
        return Dataset("drawn", *parts, recipe.net.example())
    return dataclasses.replace(
        data,
        **{name: spread(part, count) for (name, part), count in zip(data.parts().items(), counts, strict=True)},
    )


def spread(examples: Examples, count: int) -> Examples:
    """So many examples, evenly from first to last, as some sources are sorted."""
    count = min(count, len(examples))
    return examples.select(torch.linspace(0, max(0, len(examples) - 1), count).round().long())


def begin(recipe: Recipe, data: Dataset) -> Session:
    """A session in memory; what a recipe stands on has learned for an epoch."""
    if not recipe.pretrained or role_of(recipe) == "judge":
        return build_session(dataclasses.replace(recipe, pretrained=""), data)
    return build_session(recipe, data, pretrained=pretrained_of(recipe, data))


def pretrained_of(recipe: Recipe, data: Dataset) -> Pretrained:
    """The run that a recipe stands on, after an epoch."""
    origin = dataclasses.replace(RECIPES[recipe.pretrained](), threads=1, device="cpu", epochs=1)
    below = begin(origin, data)
    list(below.events())
    return Pretrained(origin.name, below.net, data.schema)


def gradients(net: nn.Module, asked: Trainable, parts: list[Batch], ranks: int = 1) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss and gradients of a batch that comes in parts, as a rule adds them up.

    On several ranks the parts go round copies of the net, whose losses and gradients are added as an all-reduce does.
    """
    context = Context(training=True)
    parts = [asked.drawn(part, context) for part in parts]
    counts = sum((asked.counts(part) for part in parts[1:]), asked.counts(parts[0]))
    nets = [net, *(copy.deepcopy(net) for _ in range(ranks - 1))]
    total, sums = torch.zeros(()), dict[str, Tensor]()
    for rank, own in enumerate(nets):
        own.zero_grad()
        step = TaskStep(own, asked, DeviceConfig(torch.device("cpu")))
        for part in parts[rank::ranks]:
            loss, _ = step(part, counts, sum(p.size for p in parts), context)
            loss.backward()
            total = total + loss.detach()
        for name, parameter in own.named_parameters():
            if parameter.grad is not None:
                sums[name] = sums.get(name, 0) + parameter.grad
    return total, sums


def quiet(net: nn.Module, asked: Trainable, some: Batch) -> nn.Module:
    """The net in training mode where nothing is drawn in it, else in evaluation mode."""
    net.train()
    some, answers = asked.drawn(some, Context(training=True)), []
    for seed in (0, 1):
        torch.manual_seed(seed)
        answers.append(first(asked.forward(net, some, Context(training=True))))
    return net if torch.equal(*answers) else net.eval()


def cut(examples: Examples, sizes: tuple[int, ...]) -> Iterator[Batch]:
    """Examples in parts of these sizes, in float64."""
    for index in torch.arange(sum(sizes)).split(list(sizes)):
        yield examples.gather(index).map(lambda t: t.double() if t.is_floating_point() else t)
