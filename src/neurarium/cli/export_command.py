"""`neurarium export RUN --to FORMAT`: the net for use elsewhere."""

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import tyro

from neurarium.cli.notices import tell
from neurarium.cli.parse import parse


def run(arguments: Sequence[str]) -> int:
    """Export and say where it lies."""
    return parse(export, "export", arguments)


def export(
    folder: tyro.conf.Positional[Path],
    /,
    to: Literal["torch-export", "onnx", "safetensors"] = "torch-export",
    out: Path | None = None,
) -> int:
    """Write a run's net for use elsewhere.

    Args:
        folder: the run folder.
        to: torch-export and onnx take raw inputs and hold the scaling; safetensors holds the weights.
        out: the file; none: model.pt2, model.onnx or model.safetensors in the run folder.
    """
    from rich.console import Console

    from neurarium import api
    from neurarium.training.export import export as write

    trained = api.load(folder)
    tell(trained.notices)
    with contextlib.redirect_stderr(io.StringIO()):  # where it fails torch prints pages of its own
        path = write(trained, to, out)
    Console(highlight=False, soft_wrap=True).print(f"Written: {path}  ({path.stat().st_size:,} bytes)")
    return 0
