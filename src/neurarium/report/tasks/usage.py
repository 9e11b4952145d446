"""What to type to use a run, where several tasks have it in common."""

import shlex
from pathlib import Path

from neurarium.data.log_mel import LogMel
from neurarium.data.long_csv import holds_series
from neurarium.data.text_lines import holds_characters
from neurarium.record.schema import Schema
from neurarium.report.tasks.task_report import Commands

SCALED = "from neurarium.data.scaling import scaled\n\nrun.net(scaled(inputs, run.schema.input))"
"""In Python, for a net that answers in its own units: inputs are a tensor in those of the data."""


def predict(folder: Path, schema: Schema) -> Commands:
    """The command that answers for files, where files hold such examples."""
    files = files_of(schema)
    if not files:
        return []
    return [("Let it answer for your own files:", f"neurarium predict {shlex.quote(str(folder))} {files}")]


def sample(folder: Path, schema: Schema) -> Commands:
    """The command that makes examples."""
    out = "samples.png" if schema.input.is_image else "samples.npz"
    where = shlex.quote(str(folder))
    return [("Let it make more examples:", f"neurarium sample {where} --count 100 --out {out}")]


def files_of(schema: Schema) -> str:
    """A file that holds inputs like these; empty where none does.

    Example:
        >>> from neurarium.record.schema import image_schema
        >>> files_of(image_schema()), files_of(image_schema((4,)))
        ('image.png', 'examples.csv')
    """
    field = schema.input
    if len(schema.inputs) > 1:
        return ""
    if holds_characters(field):
        return "lines.txt"
    if LogMel.of(field):
        return "recording.wav"
    if holds_series(field):
        return "series.csv"
    if field.is_ragged or field.categories:
        return ""
    return "image.png" if field.is_image else "examples.csv"
