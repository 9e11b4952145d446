"""`neurarium trace RUN|NAME`: what each layer makes of a batch, and what comes back to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

from neurarium.checks import ConfigError
from neurarium.cli.parse import parse
from neurarium.cli.subject import Subject, find_subject

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from neurarium.data.batch import Batch
    from neurarium.tasks.task import Outputs, Trainable


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
        step: print a worked example of back-propagation, every number of it, instead.
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
        raise ConfigError("examples", expected="an integer >= 1", got=str(examples))

    # torch is loaded only now: mistakes in the options answer at once
    from neurarium.learning.trace import trace as look
    from neurarium.report.trace_table import trace_table, verdict
    from neurarium.tasks.task import Context, Trainable
    from neurarium.training.recipe import net_kind
    from neurarium.training.seed import own_generators, seed_everything

    subject = find_subject(name, data)
    subject.net.train(mode == "training")
    task, total = subject.task(), len(subject.dataset.train)
    if not isinstance(task, Trainable):
        raise ConfigError(
            name,
            expected="a net whose outputs have a loss, from which an error comes back",
            got=f"{net_kind(subject.recipe.net)}, a net for {task.name}",
        )
    count = min(examples, total)
    # evenly from first to last: some sources are sorted by class
    rows = [k * (total - 1) // max(1, count - 1) for k in range(count)]
    context = Context(subject.recipe.seed, training=subject.net.training)
    batch = task.drawn(subject.batch(rows), context)
    with own_generators():
        seed_everything(subject.recipe.seed)  # what dropout draws is the same every time
        found = look(
            subject.net,
            batch,
            loss=_loss(task, batch),
            layers=layers or None,
            optimizer=_optimizers(subject),
            forward=lambda net: task.forward(net, batch, context),
            singular_values=singular_values,
        )
    screen = Console()
    screen.print(trace_table(found, screen.width))
    for sentence in verdict(found):
        console.print(sentence, markup=False)
    folder = out or subject.folder or Path()
    _write(found.to_plain(), folder, f"{Path(name).name}: one batch forward and back")
    console.print(f"Written: {folder / 'trace.png'}, {folder / 'trace.json'}", markup=False)
    return 0


def _loss(task: "Trainable", batch: "Batch") -> "Callable[[Any, Any], Tensor]":
    """What the task makes small on a batch, from the net's outputs; a penalty of the net's own comes to it."""
    from neurarium.nets.penalty import WithPenalty

    counts = task.counts(batch)

    def loss(outputs: "Outputs", _: Any) -> "Tensor":
        if isinstance(outputs, WithPenalty):
            return task.loss(outputs.outputs, batch, counts) + outputs.penalty.mean()
        return task.loss(outputs, batch, counts)

    return loss


def _optimizers(subject: Subject) -> "tuple[torch.optim.Optimizer, ...] | None":
    """Those of the recipe, about to take their first step; none where the learning rule has no step of gradients."""
    from neurarium.nets.parts.groups import groups_of

    recipe = subject.recipe
    if recipe.optimizer.rule or recipe.net.rule != "gradient":
        return None
    optimizers = recipe.optimizer.build(recipe.fine_tuning.groups(groups_of(subject.net)))
    for group in (group for optimizer in optimizers for group in optimizer.param_groups):
        group["lr"] *= group["factor"]
    return optimizers


def _write(values: dict[str, object], folder: Path, title: str) -> None:
    from neurarium.learning.trace import Trace
    from neurarium.record.sealed import write_json
    from neurarium.report.curves import save_figure
    from neurarium.report.page import write_report
    from neurarium.report.trace_figure import trace_figure

    write_json(folder / "trace.json", values)
    save_figure(trace_figure(Trace.from_plain(values), title), folder / "trace.png")
    if (folder / "record.jsonl").exists():
        write_report(folder)
