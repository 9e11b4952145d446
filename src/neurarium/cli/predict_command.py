"""`neurarium predict RUN FILES...`: answers for files."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from neurarium.cli.parse import parse

if TYPE_CHECKING:
    from neurarium.training.run import NumberPrediction, Prediction

PROBE = 64
"""So many of the inputs decide whether a fast net may compute in bfloat16."""


def run(arguments: Sequence[str]) -> int:
    """Predict and print or write the answers."""
    return parse(predict, "predict", arguments)


def predict(
    folder: tyro.conf.Positional[Path],
    files: tyro.conf.Positional[tuple[Path, ...]],
    /,
    out: Path | None = None,
    top: int = 3,
    invert: bool = False,
    fast: bool = False,
    device: str | None = None,
) -> int:
    """Answer for images, folders of images, npz or csv files.

    Args:
        folder: the run folder.
        files: what to answer for; images of another size or colour are converted.
        out: a csv file for the answers with all probabilities; none: the screen.
        top: how many answers to show for each input.
        invert: swap dark and light first: for dark digits on white paper, as MNIST's are light on dark.
        fast: fold batch normalisations into the layers before them, and compute in bfloat16 where the processor is made
            for it and the classes stay those of float32; for large convolutional nets.
        device: where to compute.
    """
    from rich.console import Console

    from neurarium import api
    from neurarium.checks import ConfigError
    from neurarium.data.predict_inputs import read_inputs
    from neurarium.record.files import write_atomic

    if not files:
        raise ConfigError("files", expected="at least one file or folder", got="none")
    if top < 1:
        raise ConfigError("top", expected="a whole number >= 1", got=str(top))
    trained = api.load(folder, device=device)
    outputs = trained.classes if trained.target_scaling is not None else ()
    names, inputs = read_inputs([str(f) for f in files], trained.shape, trained.card["kind"], outputs)
    if invert:
        if trained.card["kind"] != "images":
            raise ConfigError("invert", expected="a net for images", got=f"one for {trained.card['kind']}")
        inputs = 255 - inputs
    if fast:
        trained = trained.prepared(inputs[:PROBE])
        Console(stderr=True, highlight=False).print(f"net: {trained.notices[-1]}")
    prediction = trained.predict(inputs)
    if out is not None:
        write_atomic(out, as_csv(names, prediction))
        Console(highlight=False).print(f"{len(names):,} answers written to {out}")
    else:
        Console().print(_table(names, prediction, top))
    return 0


def as_csv(names: Sequence[str], prediction: "Prediction | NumberPrediction") -> str:
    """Write answers as CSV: input, label, confidence, one column a class; or input, one column a number."""
    from neurarium.training.run import NumberPrediction

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if isinstance(prediction, NumberPrediction):
        writer.writerow(["input", *prediction.names])
        writer.writerows([name, *(f"{y:.9g}" for y in row)] for name, row in zip(names, prediction.values, strict=True))
        return text.getvalue()
    writer.writerow(["input", "label", "confidence", *(f"p({name})" for name in prediction.classes)])
    for name, label, row in zip(names, prediction.labels, prediction.probabilities, strict=True):
        writer.writerow([name, label, f"{row.max():.6f}", *(f"{p:.6f}" for p in row)])
    return text.getvalue()


def _table(names: Sequence[str], prediction: "Prediction | NumberPrediction", top: int) -> object:
    from rich.table import Table

    from neurarium.training.run import NumberPrediction

    if isinstance(prediction, NumberPrediction):
        table = Table("input", *prediction.names, title="Predictions")
        for name, row in zip(names, prediction.values, strict=True):
            table.add_row(name, *(f"{y:.6g}" for y in row))
        return table
    top = min(top, len(prediction.classes))
    table = Table("input", "answer", *["next"] * (top - 1), title="Answers with their probabilities")
    for name, row in zip(names, prediction.probabilities, strict=True):
        best = row.argsort()[::-1][:top]
        table.add_row(name, *(f"{prediction.classes[k]}  {row[k]:.1%}" for k in best))
    return table
