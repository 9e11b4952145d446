"""The data card of a run: what evaluation, prediction and reports must know of the data without having it."""

import json
from pathlib import Path
from typing import Any

from neurarium.checks import RunError
from neurarium.data.dataset import Dataset


def card_of(dataset: Dataset) -> dict[str, Any]:
    """Describe a data set: name, kind, shape, classes, scaling, targets, counts, fingerprint, source, licence.

    "targets" is the scaling of targets that are numbers, {"mean": [...], "std": [...]} with a number an output in the
    source's units, and None where the targets are classes. "classes" then holds the names of the outputs.
    """
    targets = dataset.target_scaling
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "shape": list(dataset.shape),
        "classes": list(dataset.classes),
        "scaling": dataset.scaling.to_dict(),
        "targets": None if targets is None else targets.to_dict(),
        "counts": dataset.counts(),
        "fingerprint": dataset.fingerprint(),
        "source": dataset.source,
        "licence": dataset.licence,
    }


def read_card(folder: str | Path) -> dict[str, Any]:
    """Read the data card of a run folder; "targets" is None in one written before there were numbers to predict.

    Raises:
        RunError: there is none, or it is damaged.
    """
    path = Path(folder) / "data.json"
    try:
        return {"targets": None, **json.loads(path.read_text(encoding="utf-8"))}
    except OSError as error:
        raise RunError(str(path), expected="a run's data card", got=error.strerror or "nothing") from error
    except ValueError as error:
        raise RunError(str(path), expected="JSON", got="a damaged file", remedy="train anew") from error
