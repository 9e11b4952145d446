"""Nets of a few parameters for every trainable task, and drawn examples to ask them about."""

import copy
import dataclasses
import functools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.drawn import drawn
from neurarium.data.examples import Examples
from neurarium.data.ragged import Ragged
from neurarium.data.table import Table
from neurarium.learning.loss import Loss
from neurarium.nets.penalty import WithPenalty
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.custom import CustomLoss
from neurarium.tasks.model import Model
from neurarium.tasks.table import task_class
from neurarium.tasks.task import Trainable

LETTERS = tuple("abcde")
CLASSES = Schema({"x": Field((5,))}, {"label": Field((), categories=("a", "b", "c"))})
NUMBERS = Schema({"x": Field((5,))}, {"y": Field((2,), names=("up", "down"), mean=(3.0, -1.0), std=(2.0, 0.5))})
POINTS = Schema(
    {"points": Field((None, 3), axis="points")},
    {"label": Field((None,), categories=("in", "out", "on"), axis="points")},
)
WINDOWS = Schema({"tokens": Field((6,), categories=LETTERS)}, {"next": Field((6,), categories=LETTERS)})
SERIES = Schema(
    {"series": Field((5, 1), mean=(3.0,) * 5, std=(2.0,) * 5)},
    {"next": Field((2,), names=("in 1", "in 2"), mean=(3.0,) * 2, std=(2.0,) * 2, constants={"period": 2})},
)
PAIRS = Schema(
    {"source": Field((None,), categories=LETTERS, axis="source")},
    {"target": Field((None,), categories=("<start>", "<end>", *"ABC"), axis="target")},
)
SAID = Schema(
    {"series": Field((None, 3), axis="time")},
    {"text": Field((None,), categories=("<blank>", "a", "b", " "), axis="letters", constants={"joiner": ""})},
)
MOLECULES = Schema(
    {
        "species": Field((None,), categories=("H", "C", "O"), axis="atoms"),
        "positions": Field((None, 3), axis="atoms"),
        "pairs": Field((2, None), axis="pairs", points_to="atoms"),
    },
    {
        "energy": Field((), names=("energy",), mean=(7.0,), std=(3.0,)),
        "forces": Field((None, 3), axis="atoms", mean=(0.0,) * 3, std=(3.0,) * 3),
    },
)


class Dense(nn.Sequential):
    """One hidden layer."""

    def __init__(self, inputs: int = 5, outputs: int = 3) -> None:
        super().__init__(nn.Linear(inputs, 4), nn.Tanh(), nn.Linear(4, outputs))


class OfWindow(Dense):
    """The same, of a window of a series."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))


class Penalized(Dense):
    """The same, which in training wants small hidden units of every example."""

    def forward(self, x: Tensor) -> Tensor | WithPenalty:  # type: ignore[override]
        hidden = self[1](self[0](x))
        outputs = self[2](hidden)
        return WithPenalty(outputs, hidden.square().sum(1)) if self.training else outputs


class PerPoint(nn.Module):
    """A class for each point, from the point itself and the mean of its cloud."""

    def __init__(self) -> None:
        super().__init__()
        self.own, self.all = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, points: Tensor, lengths: Tensor) -> Tensor:
        inside = torch.arange(points.shape[1]) < lengths[:, None]
        mean = (points * inside[..., None]).sum(1) / lengths[:, None]
        return self.own(points) + torch.tanh(self.all(mean))[:, None]


class PerStep(nn.Module):
    """Logits of four tokens at each step, from the step itself."""

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(3, 4)

    def forward(self, series: Tensor, lengths: Tensor) -> Tensor:
        return self.output(series)


class NextToken(nn.Module):
    """Logits of the next token from the sum of those so far."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.output = nn.Embedding(5, 4), nn.Linear(4, 5)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.output(torch.tanh(self.embedding(tokens).cumsum(1)))


class Translator(nn.Module):
    """Logits of the next token from the mean of the source and the sum of the target so far."""

    def __init__(self) -> None:
        super().__init__()
        self.source, self.target, self.output = nn.Embedding(5, 4), nn.Embedding(5, 4), nn.Linear(4, 5)

    def forward(self, source: Tensor, target: Tensor, lengths: Tensor) -> Tensor:
        inside = torch.arange(source.shape[1]) < lengths[:, None]
        mean = (self.source(source) * inside[..., None]).sum(1) / lengths[:, None]
        return self.output(torch.tanh(mean[:, None] + self.target(target).cumsum(1)))


class PairEnergy(nn.Module):
    """E = sum_a w_a |x_a|^2 + sum_pairs tanh(|x_a - x_b|^2 v_a), by the kinds of the atoms."""

    def __init__(self) -> None:
        super().__init__()
        self.own, self.pair = nn.Embedding(3, 1), nn.Embedding(3, 1)

    def forward(self, species: Tensor, positions: Tensor, pairs: Tensor, atoms: Tensor) -> Tensor:
        one, other = pairs
        owner = torch.arange(len(atoms)).repeat_interleave(atoms)
        away = (positions[one] - positions[other]).square().sum(1)
        energy = torch.zeros(len(atoms), dtype=positions.dtype)
        energy = energy.index_add(0, owner, self.own(species)[:, 0] * positions.square().sum(1))
        return energy.index_add(0, owner[one], torch.tanh(away * self.pair(species[one])[:, 0]))


@dataclass(frozen=True, eq=False)
class Case:
    """A task, a net that answers it and examples.

    Args:
        task: what is asked.
        net: in float64.
        examples: nine of them, of different sizes where these vary.
    """

    task: Trainable
    net: nn.Module
    examples: Examples

    @property
    def model(self) -> Model:
        return Model(self.net, torch.device("cpu"))

    @property
    def single(self) -> Model:
        """The net in float32, as data sets are scored."""
        return Model(copy.deepcopy(self.net).float(), torch.device("cpu"))

    @property
    def data(self) -> Dataset:
        """A data set whose parts are the examples."""
        return Dataset("drawn", self.examples, self.examples, self.examples, self.examples.schema)

    def batch(self, *numbers: int) -> Batch:
        """Examples by their numbers, all of them where none is given, in float64."""
        index = torch.tensor(numbers or range(len(self.examples)))
        return double(self.examples.gather(index))


def double(batch: Batch) -> Batch:
    return batch.map(lambda t: t.double() if t.is_floating_point() else t)


def make(name: str, schema: Schema, net: nn.Module, loss: Loss | None = None, teacher: nn.Module | None = None) -> Case:
    """A case on drawn examples; a third of the elements that have a label each get -1 instead."""
    torch.manual_seed(0)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.5)
    helpers = {} if teacher is None else {"teacher": teacher.double()}
    task = task_class(name).build(NetSpec(), loss or Loss(), schema, helpers)
    assert isinstance(task, Trainable)
    return Case(task, net.double(), examples_of(schema))


def examples_of(schema: Schema, count: int = 9, seed: int = 3) -> Examples:
    examples = drawn(schema, count, seed)
    if schema is SAID:
        return spoken(count, seed)
    if schema is POINTS and isinstance(examples, Ragged):
        label = examples.columns["label"].clone()
        label[::3] = -1
        return dataclasses.replace(examples, columns={**examples.columns, "label": label})
    return examples


def spoken(count: int, seed: int) -> Ragged:
    """Series of 4 to 9 steps, in which 1 to 3 letters are said, the same one again among them."""
    generator = torch.Generator().manual_seed(seed)
    steps, letters = (torch.randint(*ends, (count,), generator=generator) for ends in ((5, 10), (1, 4)))
    said = torch.randint(1, 4, (int(letters.sum()),), generator=generator)
    columns = {"series": torch.randn(int(steps.sum()), 3, generator=generator), "text": said}
    return Ragged(columns, {"time": steps, "letters": letters}, SAID)


WEIGHTS = {"class_weights": (0.2, 1.0, 7.0)}
_SOFT = {"temperature": 2.5, "alpha": 0.7}


def seeded(net: nn.Module, seed: int = 9) -> nn.Module:
    torch.manual_seed(seed)
    for parameter in net.parameters():
        nn.init.normal_(parameter)
    return net


@functools.cache
def cases() -> dict[str, Case]:
    """All, by name."""
    confusion = ((0.8, 0.1, 0.0), (0.2, 0.7, 0.3), (0.0, 0.2, 0.7))
    found = {
        "classification": make("classification", CLASSES, Dense()),
        "classification, weights": make("classification", CLASSES, Dense(), Loss(**WEIGHTS)),
        "classification, smoothing": make("classification", CLASSES, Dense(), Loss(smoothing=0.3)),
        "classification, confusion and weights": make(
            "classification", CLASSES, Dense(), Loss(label_transition=confusion, **WEIGHTS)
        ),
        "classification, hinge and weights": make("classification", CLASSES, Dense(), Loss("hinge", **WEIGHTS)),
        "classification, squared error": make("classification", CLASSES, Dense(), Loss("squared-error")),
        "classification, elements": make("classification", POINTS, PerPoint()),
        "classification, elements, weights": make("classification", POINTS, PerPoint(), Loss(**WEIGHTS)),
        "classification, elements, smoothing and weights": make(
            "classification", POINTS, PerPoint(), Loss(smoothing=0.2, **WEIGHTS)
        ),
        "classification, penalty": make("classification", CLASSES, Penalized(), Loss(**WEIGHTS)),
        "regression": make("regression", NUMBERS, Dense(outputs=2)),
        "regression, absolute error": make("regression", NUMBERS, Dense(outputs=2), Loss("absolute-error")),
        "forecast": make("forecast", SERIES, OfWindow(outputs=2)),
        "distillation": make("distillation", CLASSES, Dense(), Loss("distillation", temperature=2.5), seeded(Dense())),
        "distillation, weights": make(
            "distillation", CLASSES, Dense(), Loss("distillation", **_SOFT, **WEIGHTS), seeded(Dense())
        ),
        "distillation, elements, weights": make(
            "distillation", POINTS, PerPoint(), Loss("distillation", **_SOFT, **WEIGHTS), seeded(PerPoint())
        ),
        "reconstruction": make("reconstruction", Schema(CLASSES.inputs), Dense(outputs=5)),
        "language-model": make("language-model", WINDOWS, NextToken()),
        "translation": make("translation", PAIRS, Translator()),
        "translation, smoothing": make("translation", PAIRS, Translator(), Loss(smoothing=0.2)),
        "transcription": make("transcription", SAID, PerStep()),
        "energy-forces": make("energy-forces", MOLECULES, PairEnergy()),
    }
    inner = found["classification, weights"]
    found["custom"] = dataclasses.replace(inner, task=CustomLoss(F.cross_entropy, inner.task))
    inner = found["energy-forces"]
    found["custom, forces"] = dataclasses.replace(inner, task=CustomLoss(_of_energies, inner.task))
    return found


def _of_energies(energy: Tensor, forces: Tensor, energies: Tensor, _: Tensor) -> Tensor:
    return (energy - energies).abs().mean()


def cut(case: Case, sizes: list[int]) -> Iterator[Batch]:
    """All examples in parts of these sizes."""
    for index in torch.arange(len(case.examples)).split(sizes):
        yield double(case.examples.gather(index))


def answered(answers: Tensor, targets: Tensor, target: Field) -> Dataset:
    """Data whose test examples are themselves the answers of `nn.Identity`."""
    schema = Schema({"answers": Field(tuple(answers.shape[1:]))}, {"target": target})
    test = Table((answers,), (targets,), schema)
    none = test.select(torch.arange(0))
    return Dataset("toy", test, none, test, schema)


def identity() -> Model:
    return Model(nn.Identity(), torch.device("cpu"))
