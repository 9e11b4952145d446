"""`neurarium resume RUN`: go on from the newest checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tyro

from neurarium.cli.parse import parse


def run(arguments: Sequence[str]) -> int:
    """Resume and say how well it went."""
    return parse(resume, "resume", arguments)


def resume(
    folder: tyro.conf.Positional[Path],
    /,
    epochs: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    quiet: bool = False,
) -> int:
    """Continue a run from its newest checkpoint, bit for bit as if it had never stopped.

    Args:
        folder: the run folder.
        epochs: train up to so many epochs instead of the recipe's number.
        device: compute somewhere else than before (no longer bit for bit).
        threads: number of CPU threads (another number: no longer bit for bit).
        quiet: show no progress.
    """
    from rich.console import Console

    from neurarium import api
    from neurarium.cli.outcome import tell_outcome

    given = {"epochs": epochs, "device": device, "threads": threads}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return tell_outcome(api.resume(folder, console=Console(quiet=quiet), **changes))
