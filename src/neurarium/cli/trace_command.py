"""`neurarium trace RUN|NAME`: what each layer makes of a batch, and what comes back to it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import tyro

from neurarium.checks import ConfigError
from neurarium.cli.parse import parse

if TYPE_CHECKING:
    from torch import nn

    from neurarium.data.batch import Batch
    from neurarium.data.dataset import Dataset
    from neurarium.data.examples import Examples
    from neurarium.training.recipe import Recipe


def run(arguments: Sequence[str]) -> int:
    """Trace a net and show what was found."""
    return parse(trace, "trace", arguments)


def trace(
    name: tyro.conf.Positional[str | None] = None,
    /,
    data: str | None = None,
    examples: int = 128,
    layers: tuple[str, ...] = (),
    singular_values: int = 3,
    mode: Literal["training", "evaluation"] = "training",
    out: Path | None = None,
    step: Literal["003"] | None = None,
) -> int:
    """Look into back-propagation: activations, error signals, gradients and Jacobians, layer by layer.

    Args:
        name: a run folder, or a recipe, whose net is then fresh.
        data: another data set of the same shape; none: the run's or recipe's own.
        examples: training examples in the batch.
        layers: report these layers alone; none: all.
        singular_values: largest singular values of each layer's Jacobian.
        mode: of the net; in training, dropout and batch statistics are those of a step of learning.
        out: folder of trace.png and trace.json; none: the run folder, or the current folder for a recipe.
        step: print the worked example of the lecture notes 003 instead.
    """
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if step is not None:
        from neurarium.learning.backprop.worked_example import worked_example_text

        console.print(worked_example_text(), markup=False)
        return 0
    if name is None:
        raise ConfigError("name", expected="a recipe or run folder", got="none", remedy="neurarium trace lenet5")
    if examples < 1:
        raise ConfigError("examples", expected="a whole number >= 1", got=str(examples))

    # torch is loaded only now: mistakes in the options answer at once
    from neurarium.learning.trace import trace as look
    from neurarium.report.trace_table import trace_table, verdict

    subject = _find(name, data, examples)
    subject.net.train(mode == "training")
    criterion, settings = subject.recipe.objective.build(), subject.recipe.optimiser
    learning = [p for p in subject.net.parameters() if p.requires_grad]
    found = look(
        subject.net,
        subject.batch,
        loss=criterion,
        layers=layers or None,
        optimiser=None if settings.name == "hessian-free" else settings.build(learning),
        singular_values=singular_values,
    )
    Console().print(trace_table(found))
    for sentence in verdict(found):
        console.print(sentence, markup=False)
    folder = out or (Path(name) if subject.is_run else Path())
    _write(found.to_plain(), folder, f"{Path(name).name}: one batch forward and back")
    console.print(f"Written: {folder / 'trace.png'}, {folder / 'trace.json'}", markup=False)
    return 0


class _Subject(NamedTuple):
    """A net, what it was or is to be trained by, and a batch for it."""

    net: "nn.Module"
    recipe: "Recipe"
    batch: "Batch"
    is_run: bool


def _find(name: str, data: str | None, examples: int) -> _Subject:
    """Load a run with its weights, or make a recipe's net with those that its seed gives."""
    from neurarium import api
    from neurarium.checks import choose
    from neurarium.recipes.catalogue import RECIPES
    from neurarium.training.seed import own_generators
    from neurarium.training.session import prepare

    if (Path(name) / "config.toml").exists():
        trained = api.load(name)
        dataset = api.load_data(data) if data else api.data_of(trained.recipe)
        _check_fit(dataset, trained.shape, len(trained.classes))
        batch = _some(dataset.train.with_scaling(trained.scaling), examples).to(trained.placement.device)
        return _Subject(trained.net, trained.recipe, batch, is_run=True)
    recipe = choose(name, RECIPES, subject="recipe or run folder")()
    dataset = api.load_data(data) if data else api.data_of(recipe)
    with own_generators():
        session = prepare(recipe, dataset)
    return _Subject(session.net, recipe, _some(session.dataset.train, examples), is_run=False)


def _check_fit(dataset: "Dataset", shape: tuple[int, ...], classes: int) -> None:
    from neurarium.checks import DataError

    if tuple(dataset.shape) != shape or len(dataset.classes) != classes:
        raise DataError(
            f"data {dataset.name}",
            expected=f"examples of shape {shape} in {classes} classes",
            got=f"shape {tuple(dataset.shape)}, {len(dataset.classes)} classes",
            remedy="trace with data like those of the training",
        )


def _some(examples: "Examples", count: int) -> "Batch":
    """Gather examples evenly from first to last: some sources are sorted by class."""
    import torch

    rows = torch.linspace(0, len(examples) - 1, min(count, len(examples))).long()
    return examples.gather(rows.to(examples.targets.device))


def _write(values: dict[str, object], folder: Path, title: str) -> None:
    from neurarium.learning.trace import Trace
    from neurarium.record.files import write_atomic
    from neurarium.report.curves import save_figure
    from neurarium.report.page import write_report
    from neurarium.report.trace_picture import trace_figure

    write_atomic(folder / "trace.json", json.dumps(values, indent=1))
    save_figure(trace_figure(Trace.from_plain(values), title), folder / "trace.png")
    if (folder / "record.jsonl").exists():
        write_report(folder)
