"""`neurarium recall`: store pictures, damage them, recall them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from neurarium.cli.parse import parse

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from torch import Generator, Tensor

    from neurarium.data.examples import Examples
    from neurarium.nets.connectionist.dense_memory import DenseMemory
    from neurarium.nets.connectionist.hopfield import HopfieldNet
    from neurarium.nets.connectionist.modern_hopfield import ModernMemory
    from neurarium.nets.connectionist.retrieval import Retrieval

Storage = Literal["hebbian", "pseudo-inverse", "storkey", "dense", "modern"]


def run(arguments: Sequence[str]) -> int:
    """Recall, print the table, draw the picture."""
    return parse(recall, "recall", arguments)


def recall(
    patterns: int = 20,
    storage: Storage = "pseudo-inverse",
    flip: float = 0.25,
    probes: int = 5,
    data: str = "mnist-5k",
    threshold: float = 0.5,
    order: int | None = None,
    beta: float = 0.25,
    sweeps: int = 100,
    seed: int = 0,
    out: Path = Path("recall.png"),
) -> int:
    """Store pictures in a Hopfield network, turn round a share of their pixels and let the net recall them.

    Hebb's rule expects patterns that are nearly orthogonal. Pictures overlap: it mixes them up from the first few on.

    Args:
        patterns: how many pictures to store, drawn from the training part.
        storage: hebbian, pseudo-inverse and storkey give classic nets; dense is a dense associative memory, modern a
            continuous one.
        flip: share of the pixels turned round before the recall.
        probes: how many of the stored pictures to recall and draw.
        data: a data set of gray pictures, by name or path.
        threshold: pixels above this share of the brightest value become +1, the others -1.
        order: of the dense memory's polynomial; none: exponential.
        beta: inverse temperature of the modern memory.
        sweeps: most sweeps over all units.
        seed: which pictures, which pixels, which order of updates.
        out: PNG file.
    """
    import torch
    from rich.console import Console

    from neurarium.checks import ConfigError
    from neurarium.nets.connectionist.modern_hopfield import ModernMemory
    from neurarium.nets.connectionist.patterns import flip as turn
    from neurarium.report.curves import save_figure
    from neurarium.report.recall import recall_figure

    if not 1 <= probes <= patterns:
        raise ConfigError("probes", expected=f"from 1 to the {patterns} patterns", got=str(probes))
    if order is not None and storage != "dense":
        raise ConfigError("order", expected="--storage dense beside it", got=f"--storage {storage}")
    generator = torch.Generator().manual_seed(seed)
    stored, labels, size = _pictures(data, patterns, threshold, generator)
    console = Console(highlight=False, soft_wrap=True)
    memory = _memory(stored, storage, order, beta, console)
    targets = stored[:probes]
    damaged = turn(targets, flip, generator)
    if isinstance(memory, ModernMemory):
        found = memory.recall(damaged, steps=sweeps, trace=True)
    else:
        found = memory.recall(damaged, seed=seed, sweeps=sweeps, trace=True)
    console.print(
        f"{patterns} pictures of {data} stored ({storage}), {stored.shape[1]} units, {100 * flip:g} % turned round"
    )
    console.print(_table(found, stored, labels, isinstance(memory, ModernMemory)))
    title = f"{patterns} pictures stored ({storage}), {100 * flip:g} % of the pixels turned round"
    save_figure(recall_figure(found, targets, memory.energy(targets), size, title, labels[:probes]), out)
    console.print(f"Picture: {out}")
    return 0


def _pictures(
    data: str, count: int, threshold: float, generator: "Generator"
) -> "tuple[Tensor, list[str], tuple[int, int]]":
    """Draw pictures from the training part, binarise and flatten them."""
    import torch

    from neurarium.checks import ConfigError, DataError
    from neurarium.data.catalogue import load
    from neurarium.nets.connectionist.patterns import binarise

    dataset = load(data)
    ((name, field), *others) = dataset.schema.inputs.items()
    if others or not field.is_image or field.shape[0] != 1:
        got = ", ".join(f"{name} of shape {field.in_words()}" for name, field in dataset.schema.inputs.items())
        raise DataError(data, expected="gray pictures, (1, height, width)", got=got, remedy="try --data mnist-5k")
    if not 1 <= count <= len(dataset.train):
        raise ConfigError("patterns", expected=f"from 1 to {len(dataset.train)}", got=str(count))
    if not 0 <= threshold < 1:
        raise ConfigError("threshold", expected="a share in [0, 1)", got=str(threshold))
    index = torch.randperm(len(dataset.train), generator=generator)[:count]
    chosen = dataset.train.select(index)
    raw = torch.cat(list(chosen.pieces(name)))
    brightest = 255.0 if raw.dtype == torch.uint8 else float(raw.amax())
    _, height, width = field.fixed_shape
    return binarise(raw.flatten(1), threshold * brightest), _labels(chosen), (height, width)


def _labels(examples: "Examples") -> list[str]:
    """What each example is: its class, its first number, or where nobody knows its number among them."""
    from neurarium.data.scaling import unscaled

    if not examples.schema.targets:
        return [str(k) for k in range(len(examples))]
    name, field = next(iter(examples.schema.targets.items()))
    values = examples.target(name)
    if field.categories and not field.shape:
        return [field.categories[k] if k >= 0 else "unknown" for k in values.tolist()]
    return [f"{float(y.flatten()[0]):.3g}" for y in unscaled(values, field)]


def _memory(
    stored: "Tensor", storage: Storage, order: int | None, beta: float, console: "Console"
) -> "HopfieldNet | DenseMemory | ModernMemory":
    """Store the pictures; a warning about the capacity is printed."""
    import warnings

    from neurarium.nets.connectionist.dense_memory import DenseMemory
    from neurarium.nets.connectionist.hopfield import HopfieldNet
    from neurarium.nets.connectionist.modern_hopfield import ModernMemory
    from neurarium.nets.connectionist.patterns import CapacityWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CapacityWarning)
        memory: HopfieldNet | DenseMemory | ModernMemory
        if storage == "modern":
            memory = ModernMemory(stored, beta)
        elif storage == "dense":
            memory = DenseMemory(stored, "exponential" if order is None else order)
        else:
            memory = HopfieldNet.storing(stored, storage)
    for warning in caught:
        console.print(f"[yellow]warning:[/] {warning.message}")
    return memory


def _table(found: "Retrieval", stored: "Tensor", labels: Sequence[str], continuous: bool) -> "Table":
    """A row a probe: overlaps, sweeps, energies, and which memory was reached."""
    from rich.table import Table

    from neurarium.nets.connectionist.patterns import overlap

    assert found.trace is not None
    first, last = found.trace.energies[0], found.trace.energies[-1]
    before = found.trace.states(0)
    # a continuous state is read by its signs
    reached = found.states.sign() if continuous else found.states
    sweeps = "updates" if continuous else "sweeps"
    table = Table("stored", "overlap before", "after", sweeps, "at rest", "energy before", "after", "memory reached")
    for row, state in enumerate(reached):
        overlaps = overlap(stored, state)
        nearest = int(overlaps.argmax())
        own = float(overlaps[row])
        if own == 1:
            said = "right"
        elif float(overlaps[nearest]) == 1:
            said = f"another: number {nearest}, {labels[nearest]}"
        else:
            wrong = int((state != stored[row]).sum())
            said = f"none: {wrong} pixels wrong, nearest {'is right' if nearest == row else f'is number {nearest}'}"
        table.add_row(
            f"{row}: {labels[row]}",
            f"{overlap(before[row], stored[row]):.3f}",
            f"{own:.3f}",
            str(int(found.sweeps[row])),
            "yes" if bool(found.fixed[row]) else "no",
            f"{first[row]:.2f}",
            f"{last[row]:.2f}",
            said,
        )
    return table
