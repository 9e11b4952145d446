"""What came out of a sweep, read from the records of its runs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurarium.record.files import write_atomic
from neurarium.record.run_record import read_record
from neurarium.report.curves import save_figure
from neurarium.report.drawn_types import Figure
from neurarium.report.history import History, digest
from neurarium.report.sweep import sweep_figure, sweep_table
from neurarium.report.sweep_page import write_sweep_page
from neurarium.report.sweep_scores import SweptCell, best_cell, tell_best
from neurarium.sweeps.folder import Request, read_request, run_folder, state_of
from neurarium.training.data_info import read_data_info

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class SweepResult:
    """The cells of a sweep, each with the runs that came to their end.

    Attributes:
        cells: in the order of the grid.
        data: names of the data that runs have learned from.
    """

    folder: Path
    request: Request
    cells: tuple[SweptCell, ...]
    data: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"SweepResult({str(self.folder)!r}: {self.title}, {len(self.cells)} cells)"

    @property
    def best(self) -> SweptCell | None:
        """The cell with the lowest mean validation error; none before a run is done."""
        return best_cell(self.cells)

    @property
    def complete(self) -> bool:
        """Whether no run is missing."""
        return not any(cell.missing for cell in self.cells)

    @property
    def title(self) -> str:
        """What was swept, in a few words."""
        varied = [f for f, values in self.request.grid.items() if len(values) > 1]
        data = {Path(name).name for name in self.data or [cell.recipe.data for cell in self.request.cells()]}
        subject = self.request.recipe.name + (f" on {data.pop()}" if len(data) == 1 else "")
        return subject + (f", by {' and '.join(varied)}" if varied else "")

    def figure(self) -> Figure:
        """Draw mean and band of every cell; a notebook shows the figure."""
        return sweep_figure(self.cells, self.request.seeds, self.title)

    def table(self) -> "Table":
        """Show a row a cell."""
        return sweep_table(self.cells)

    def tell(self) -> str:
        """Name the best cell and how far it stands out."""
        return tell_best(self.cells)

    def to_plain(self) -> dict[str, Any]:
        """Return the numbers as JSON can hold them."""
        return {
            "complete": self.complete,
            "seeds": self.request.seeds,
            "spread": "standard deviation over the seeds, n - 1 in the denominator",
            "best": self.best.name if self.best else None,
            "verdict": self.tell(),
            "cells": [cell.to_plain() for cell in self.cells],
        }


def load_sweep(folder: str | Path) -> SweepResult:
    """Read a sweep back from its folder, finished or not. Raises RunError: no sweep there."""
    folder = Path(folder)
    request = read_request(folder)
    cells, data = [], dict[str, None]()
    for number, cell in enumerate(request.cells(), start=1):
        seeds = range(cell.recipe.seed, cell.recipe.seed + request.seeds)
        runs = [run_folder(folder, number, cell, seed) for seed in seeds]
        states = [state_of(run) for run in runs]
        done = [run for run, state in zip(runs, states, strict=True) if state == "finished"]
        histories: list[History] = [digest(read_record(run / "record.jsonl")) for run in done]
        data |= dict.fromkeys(read_data_info(run).name for run in done[:1])
        diverged = states.count("diverged")
        missing = len(runs) - len(histories) - diverged
        cells.append(SweptCell(cell.name, cell.settings, histories, diverged, missing))
    return SweepResult(folder, request, tuple(cells), tuple(data))


def write_sweep(result: SweepResult) -> None:
    """Write `results.json`, `sweep.png` and `report.html` into the folder of a sweep."""
    write_atomic(result.folder / "results.json", json.dumps(result.to_plain(), indent=1) + "\n")
    save_figure(result.figure(), result.folder / "sweep.png")
    write_sweep_page(result.folder, result.cells, result.request.to_plain(), result.title)
