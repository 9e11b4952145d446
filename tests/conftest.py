"""Small data sets of every kind and a quiet machine for the tests."""

import os
import string

import numpy as np
import pytest
import torch

from neurarium.data.arrays import input_fields
from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.labels import class_fields
from neurarium.data.nodes import Nodes
from neurarium.data.packed import Packed
from neurarium.data.ragged import Ragged
from neurarium.data.scaling import Scaling
from neurarium.data.table import Table
from neurarium.data.windows import Windows
from neurarium.record.schema import Field, Schema
from neurarium.report.plotting import NotebookFigure

torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test comes first, so that the other workers take over the rest meanwhile."""
    items.sort(key=lambda item: "test_newest_python" not in item.nodeid)


# nothing is measured: the numbers of a test are the same on every run
os.environ["NEURARIUM_CHOICES"] = "matrix_products=onednn"

Counts = tuple[int, int, int]


def make_toy(shape: tuple[int, ...], classes: int, counts: Counts, seed: int = 0) -> Dataset:
    """Noisy copies of one random pattern a class, as 8-bit values: learnable in a few steps, not at once."""
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randint(0, 256, (classes, *shape), generator=generator).float()
    parts = []
    for count in counts:
        targets = torch.arange(count) % classes
        noise = 60 * torch.randn(count, *shape, generator=generator)
        parts.append(((0.5 * patterns[targets] + 64 + noise).clamp(0, 255).to(torch.uint8), targets))
    scaling = Scaling.fit(parts[0][0])
    ((name, field),) = input_fields(shape).items()
    scaled = Field(field.shape, mean=scaling.mean, std=scaling.std, value_range=(0.0, 255.0))
    schema = Schema({name: scaled}, class_fields([f"class {k}" for k in range(classes)]))
    train, validation, test = (Table((inputs,), (targets,), schema) for inputs, targets in parts)
    return Dataset("toy", train, validation, test, schema, "made for a test", "none")


def make_series(counts: Counts = (60, 18, 18), seed: int = 0) -> Dataset:
    """Series of 12 features, 5 to 15 steps long, in 3 classes: each class has a frequency of its own."""
    random = np.random.default_rng(seed)
    labels = np.arange(sum(counts)) % 3
    lengths = random.integers(5, 16, len(labels))
    mixing = random.normal(size=(2, 12))
    rows = []
    for label, length in zip(labels, lengths, strict=True):
        phase = (0.4 + 0.6 * label) * np.arange(length) + random.uniform(0, 2 * np.pi)
        rows.append(np.stack([np.sin(phase), np.cos(phase)], 1) @ mixing + 0.2 * random.normal(size=(length, 12)))
    schema = Schema({"series": Field((None, 12), axis="time")}, class_fields(["slow", "middle", "fast"]))
    columns = {"series": torch.from_numpy(np.concatenate(rows)), "label": torch.from_numpy(labels)}
    return _assembled("series", Ragged(columns, {"time": torch.from_numpy(lengths)}, schema), counts)


def make_tokens(counts: Counts = (60, 20, 20), seed: int = 0) -> Dataset:
    """Rows of 3 to 12 letters in 2 classes: early ones take more letters from the first half of the alphabet."""
    random = np.random.default_rng(seed)
    labels = np.arange(sum(counts)) % 2
    lengths = random.integers(3, 13, len(labels))
    half = random.random(lengths.sum()) < np.where(labels, 0.85, 0.15).repeat(lengths)
    letters = 6 * half + random.integers(0, 6, lengths.sum())
    tokens = Field((None,), categories=tuple(string.ascii_lowercase[:12]), axis="tokens")
    columns = {"tokens": torch.from_numpy(letters), "label": torch.from_numpy(labels)}
    schema = Schema({"tokens": tokens}, class_fields(["early", "late"]))
    return _assembled("tokens", Ragged(columns, {"tokens": torch.from_numpy(lengths)}, schema), counts)


def make_windows(counts: Counts = (40, 10, 10), seed: int = 0, length: int = 8) -> Dataset:
    """Windows of a stream of 5 letters with a period of 7, in which every tenth letter is drawn."""
    random = np.random.default_rng(seed)
    size = length * sum(counts) + 1
    stream = np.resize(random.integers(0, 5, 7), size)
    stream = np.where(random.random(size) < 0.1, random.integers(0, 5, size), stream).astype(np.uint16)
    letters = Field((length,), categories=tuple("abcde"))
    schema = Schema({"tokens": letters}, {"next": letters})
    return _assembled("windows", Windows.over(stream, length, schema), counts)


def make_pairs(counts: Counts = (80, 16, 16), seed: int = 0) -> Dataset:
    """Rows of 2 to 6 letters, and the same in capitals from the last to the first, between a start and an end."""
    random = np.random.default_rng(seed)
    lengths = random.integers(2, 7, sum(counts))
    sources = [random.integers(0, 5, length) for length in lengths]
    targets = [np.array([0, *(row[::-1] + 2), 1]) for row in sources]
    inputs = {"source": Field((None,), categories=tuple("abcde"), axis="source")}
    answers = {"target": Field((None,), categories=("<start>", "<end>", *"ABCDE"), axis="target")}
    columns = {
        "source": torch.from_numpy(np.concatenate(sources)),
        "target": torch.from_numpy(np.concatenate(targets)),
    }
    both = {"source": torch.from_numpy(lengths), "target": torch.from_numpy(lengths + 2)}
    return _assembled("pairs", Ragged(columns, both, Schema(inputs, answers)), counts)


def make_nodes(counts: Counts = (20, 10, 10), seed: int = 0) -> Dataset:
    """Nodes of one graph of two communities, more densely tied within than between them, with 6 noisy features."""
    random = np.random.default_rng(seed)
    labels = np.arange(sum(counts)) % 2
    same = labels[:, None] == labels
    upper = np.triu(random.random(same.shape) < np.where(same, 0.3, 0.03), 1)
    ties = np.stack(np.nonzero(upper | upper.T))
    x = random.normal(size=(len(labels), 6)) + 0.7 * (2 * labels[:, None] - 1)
    inputs = {
        "x": Field((None, 6), axis="nodes"),
        "edge_index": Field((2, None), axis="edges", points_to="nodes"),
        "node": Field((), points_to="nodes"),
    }
    schema = Schema(inputs, class_fields(["left", "right"]))
    graph = (torch.from_numpy(x), torch.from_numpy(ties), torch.from_numpy(labels))
    return _assembled("nodes", Nodes(*graph, torch.arange(len(labels)), schema), counts)


def make_graphs(counts: Counts = (40, 12, 12), seed: int = 0) -> Dataset:
    """Rings and stars of 4 to 8 nodes, edges in both directions; a node has its degree and noise as features."""
    random = np.random.default_rng(seed)
    labels = np.arange(sum(counts)) % 2
    sizes = random.integers(4, 9, len(labels))
    ties, rows = [], []
    for star, size in zip(labels, sizes, strict=True):
        one = np.arange(1, size) if star else np.arange(size)
        other = np.zeros(size - 1, dtype=np.int64) if star else (one + 1) % size
        ties.append(np.concatenate([np.stack([one, other], 1), np.stack([other, one], 1)]))
        degree = np.bincount(ties[-1][:, 0], minlength=size)
        rows.append(np.column_stack([degree, random.normal(size=(size, 2))]))
    inputs = {
        "x": Field((None, 3), axis="nodes"),
        "edge_index": Field((2, None), axis="edges", points_to="nodes"),
    }
    columns = {
        "x": torch.from_numpy(np.concatenate(rows)),
        "edge_index": torch.from_numpy(np.concatenate(ties)),
        "label": torch.from_numpy(labels),
    }
    lengths = {"nodes": torch.from_numpy(sizes), "edges": torch.tensor([len(tie) for tie in ties])}
    schema = Schema(inputs, class_fields(["ring", "star"]))
    return _assembled("graphs", Packed(columns, lengths, schema), counts)


def make_points(counts: Counts = (40, 12, 12), seed: int = 0) -> Dataset:
    """Clouds of 4 to 10 points in space; each point is of the core or of the shell about it."""
    random = np.random.default_rng(seed)
    lengths = random.integers(4, 11, sum(counts))
    shell = random.integers(0, 2, lengths.sum())
    direction = random.normal(size=(len(shell), 3))
    radius = np.where(shell, 2.0, 0.7) + 0.1 * random.normal(size=len(shell))
    points = radius[:, None] * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    labels = Field((None,), categories=("core", "shell"), axis="points")
    schema = Schema({"points": Field((None, 3), axis="points")}, {"label": labels})
    columns = {"points": torch.from_numpy(points), "label": torch.from_numpy(shell)}
    clouds = Ragged(columns, {"points": torch.from_numpy(lengths)}, schema)
    return _assembled("points", clouds, counts, standardize=False)


def make_molecules(counts: Counts = (40, 10, 10), seed: int = 0) -> Dataset:
    """Molecules of 2 to 5 atoms with smooth pair energies, and the forces that are their negative gradient.

    E = sum_(a<b) q_a q_b exp(-|x_a - x_b|^2 / 2),    F_a = sum_b q_a q_b exp(-|x_a - x_b|^2 / 2) (x_a - x_b)
    """
    random = np.random.default_rng(seed)
    charges = np.array([1.0, -0.8, 1.5])
    sizes = random.integers(2, 6, sum(counts))
    kinds, places, pairs, energies, forces = [], [], [], [], []
    for size in sizes:
        kind, place = random.integers(0, 3, size), random.normal(size=(size, 3))
        away = place[:, None] - place
        bond = np.outer(charges[kind], charges[kind]) * np.exp(-(away**2).sum(-1) / 2) * (1 - np.eye(size))
        kinds, places = [*kinds, kind], [*places, place]
        pairs.append(np.stack(np.nonzero(1 - np.eye(size)), 1))
        energies.append(bond.sum() / 2)
        forces.append((bond[..., None] * away).sum(1))
    learned = np.array(energies[: counts[0]])
    mean, std = float(learned.mean()), float(learned.std())
    inputs = {
        "species": Field((None,), categories=("H", "C", "O"), axis="atoms"),
        "positions": Field((None, 3), axis="atoms"),
        "pairs": Field((2, None), axis="pairs", points_to="atoms"),
    }
    targets = {
        "energy": Field((), names=("energy",), mean=(mean,), std=(std,)),
        "forces": Field((None, 3), axis="atoms", mean=(0.0,) * 3, std=(std,) * 3),
    }
    columns = {
        "species": torch.from_numpy(np.concatenate(kinds)),
        "positions": torch.from_numpy(np.concatenate(places)).float(),
        "pairs": torch.from_numpy(np.concatenate(pairs)),
        "energy": torch.from_numpy((np.array(energies) - mean) / std).float(),
        "forces": torch.from_numpy(np.concatenate(forces) / std).float(),
    }
    lengths = {"atoms": torch.from_numpy(sizes), "pairs": torch.from_numpy(sizes * (sizes - 1))}
    return _assembled("molecules", Packed(columns, lengths, Schema(inputs, targets)), counts, standardize=False)


def _assembled(name: str, whole: Examples, counts: Counts, *, standardize: bool = True) -> Dataset:
    train, validation, test = (whole.select(index) for index in torch.arange(sum(counts)).split(counts))
    parts = {"train": train, "validation": validation, "test": test}
    return assemble(name, parts, provenance="made for a test", license="none", standardize=standardize)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures stay blank, for runs whose figures nobody looks at: half of what a short run costs."""
    monkeypatch.setattr(NotebookFigure, "draw", lambda self, renderer: None)


@pytest.fixture
def images() -> Dataset:
    """150/50/50 images of 1x28x28 in 5 classes."""
    return make_toy((1, 28, 28), 5, (150, 50, 50))


@pytest.fixture
def vectors() -> Dataset:
    """90/30/30 rows of 12 features in 3 classes."""
    return make_toy((12,), 3, (90, 30, 30))


@pytest.fixture
def series() -> Dataset:
    """60/18/18 series of 12 features in 3 classes."""
    return make_series()


@pytest.fixture
def tokens() -> Dataset:
    """60/20/20 rows of letters in 2 classes."""
    return make_tokens()


@pytest.fixture
def windows() -> Dataset:
    """40/10/10 windows of 8 letters and the letter after each."""
    return make_windows()


@pytest.fixture
def pairs() -> Dataset:
    """80/16/16 rows of letters, and each flipped."""
    return make_pairs()


@pytest.fixture
def nodes() -> Dataset:
    """20/10/10 nodes of one graph in 2 classes."""
    return make_nodes()


@pytest.fixture
def graphs() -> Dataset:
    """40/12/12 rings and stars."""
    return make_graphs()


@pytest.fixture
def points() -> Dataset:
    """40/12/12 clouds of points with a class each."""
    return make_points()


@pytest.fixture
def molecules() -> Dataset:
    """40/10/10 molecules with energies and forces."""
    return make_molecules()
