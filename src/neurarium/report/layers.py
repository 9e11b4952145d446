"""The layers of a run's net as words and plain values, in `layers.json`."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neurarium.data.batch import Batch
from neurarium.data.drawn import drawn
from neurarium.nets.summary import Summary, summarize, summarize_batch
from neurarium.record.sealed import write_json
from neurarium.tasks.task import Trainable
from neurarium.training.run import Run

UNKNOWN = "unknown"
"""Stands for a count that nobody knows."""

_DRAWN = 2  # examples of a batch that stands for all


def write_layers(run: Run, folder: Path) -> None:
    """Write the layers of a run's net into a folder. Raises StorageError: the file cannot be written."""
    summary, of = summary_of(run)
    write_json(folder / "layers.json", {"of": of, "rows": plain_rows(summary)})


def summary_of(run: Run) -> tuple[Summary, str]:
    """The layers of a run's net, and what shapes and costs are those of.

    Where an example is one tensor of numbers of one shape, that is an example of zeros; else a batch of two random
    ones, on which the net is called as its task calls it.
    """
    schema = run.schema
    if schema.is_dense:
        return summarize(run.net, schema.input.fixed_shape), "one example"
    batch = drawn(schema, _DRAWN).gather(torch.arange(_DRAWN)).to(run.device_config.device)
    return summarize_batch(run.net, _arguments(run, batch)), f"a batch of {_DRAWN} random examples"


def _arguments(run: Run, batch: Batch) -> tuple[Tensor, ...]:
    """What the task gives to the net for a batch: a translator sees targets too."""
    task, given = run.task(), list[tuple[Tensor, ...]]()
    if not isinstance(task, Trainable):
        return batch.inputs
    hook = run.net.register_forward_pre_hook(lambda module, arguments: given.append(arguments))
    try:
        run.model.run(task, batch)
    finally:
        hook.remove()
    return given[0]


def plain_rows(summary: Summary) -> list[dict[str, Any]]:
    """Return the rows of a summary as `layers.json` holds them; a count that is not known is "unknown"."""
    return [
        {
            "name": row.name,
            "kind": row.kind,
            "output_shape": list(row.output),
            "parameters": row.parameters,
            "multiply_adds": UNKNOWN if row.multiply_adds is None else row.multiply_adds,
        }
        for row in summary.rows
    ]
