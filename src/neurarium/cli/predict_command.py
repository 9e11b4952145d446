"""`neurarium predict RUN FILES...`: answers for files."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from neurarium.cli.notices import tell
from neurarium.cli.parse import parse

if TYPE_CHECKING:
    from neurarium.data.examples import Examples
    from neurarium.tasks.prediction import Prediction

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
    """Answer for images, folders of images, npz, csv, txt or wav files.

    Args:
        folder: the run folder.
        files: what to answer for; images of another size or color are converted, text is an example a line.
        out: a csv file for the answers with all probabilities; none: the screen.
        top: how many answers to show for each input.
        invert: swap dark and light first: for dark digits on white paper, as MNIST's are light on dark.
        fast: fold batch normalizations into the layers before them, and compute in bfloat16 where the processor is made
            for it and the classes stay those of float32; for large convolutional nets.
        device: where to compute.
    """
    from rich.console import Console

    from neurarium import api
    from neurarium.checks import ConfigError
    from neurarium.data.predict_inputs import read_inputs
    from neurarium.data.table import Table
    from neurarium.record.files import write_atomic

    if not files:
        raise ConfigError("files", expected="at least one file or folder", got="none")
    if top < 1:
        raise ConfigError("top", expected="an integer >= 1", got=str(top))
    trained = api.load(folder, device=device)
    names, examples, notices = read_inputs([str(f) for f in files], trained.schema)
    if invert:
        examples = inverted(examples)
    if fast:
        trained = trained.for_inference(examples.inputs[0][:PROBE] if isinstance(examples, Table) else None)
    tell((*notices, *trained.notices))
    prediction = trained.predict(examples)
    if out is not None:
        write_atomic(out, as_csv(names, prediction))
        Console(highlight=False).print(f"{len(prediction):,} answers written to {out}")
    else:
        Console().print(_table(names, prediction, top))
    return 0


def inverted(examples: "Examples") -> "Examples":
    """Images with dark and light swapped. Raises ConfigError: they are no images."""
    import dataclasses

    from neurarium.checks import ConfigError
    from neurarium.data.table import Table

    field = examples.schema.input
    if not field.is_image or not isinstance(examples, Table):
        raise ConfigError("invert", expected="a net for images", got=f"one for examples of shape {field.in_words()}")
    low, high = field.value_range or (0.0, 255.0)
    return dataclasses.replace(examples, inputs=(low + high - examples.inputs[0],))


def as_csv(names: Sequence[str], prediction: "Prediction") -> str:
    """Write answers as CSV: input, label, confidence, a column a class; input, a column a number; or input, answer.

    Numbers of another shape, such as the forces on the atoms of a molecule, are left to code.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if not prediction.columns:
        writer.writerow(["input", "answer"])
        writer.writerows(zip(row_names(names, prediction), prediction.labels, strict=True))
    elif not prediction.labels:
        writer.writerow(["input", *prediction.columns])
        for name, row in zip(row_names(names, prediction), prediction.values, strict=True):
            writer.writerow([name, *(f"{y:.9g}" for y in row)])
    else:
        writer.writerow(["input", "label", "confidence", *(f"p({name})" for name in prediction.columns)])
        rows = zip(row_names(names, prediction), prediction.labels, prediction.values, strict=True)
        writer.writerows([name, label, f"{row.max():.6f}", *(f"{p:.6f}" for p in row)] for name, label, row in rows)
    return text.getvalue()


def row_names(names: Sequence[str], prediction: "Prediction") -> Iterator[str]:
    """A name for each row of answers: that of its example, and behind it the number of the element that it is of.

    Example:
        >>> import numpy as np
        >>> from neurarium.tasks.prediction import Prediction
        >>> list(row_names(["a.txt[0]", "a.txt[1]"], Prediction(("x",), np.zeros((3, 1)), counts=(2, 1))))
        ['a.txt[0], 0', 'a.txt[0], 1', 'a.txt[1], 0']
    """
    if not _by_element(prediction):
        yield from names
        return
    for name, count in zip(names, prediction.counts, strict=True):
        yield from (f"{name}, {k}" for k in range(count))


def _by_element(prediction: "Prediction") -> bool:
    """Whether rows stand for elements of examples; counts may also be those of further numbers alone."""
    return bool(prediction.counts) and len(prediction) == sum(prediction.counts)


def _table(names: Sequence[str], prediction: "Prediction", top: int) -> object:
    from rich.table import Table
    from rich.text import Text

    title = "Answers with their probabilities" if prediction.columns and prediction.labels else "Predictions"
    best = min(top, len(prediction.columns))
    if not prediction.columns:
        columns = ["answer"]
        rows = [[label] for label in prediction.labels]
    elif prediction.labels:
        columns = ["answer", *["next"] * (best - 1)]
        rows = [
            [f"{prediction.columns[k]}  {row[k]:.1%}" for k in row.argsort()[::-1][:best]] for row in prediction.values
        ]
    else:
        columns = list(prediction.columns)
        rows = [[f"{y:.6g}" for y in row] for row in prediction.values]
    table = Table("input", *columns, title=title)
    for name, cells in zip(row_names(names, prediction), rows, strict=True):
        table.add_row(*map(Text, (name, *cells)))
    return table
