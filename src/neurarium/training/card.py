"""The data card of a run: what evaluation, prediction and reports must know of the data without having it."""

import json
from pathlib import Path
from typing import Any

from neurarium.checks import RunError
from neurarium.data.dataset import Dataset


def card_of(dataset: Dataset) -> dict[str, Any]:
    """Describe a data set: name, kind, shape, classes, scaling, counts, fingerprint, source, licence."""
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "shape": list(dataset.shape),
        "classes": list(dataset.classes),
        "scaling": dataset.scaling.to_dict(),
        "counts": dataset.counts(),
        "fingerprint": dataset.fingerprint(),
        "source": dataset.source,
        "licence": dataset.licence,
    }


def read_card(folder: str | Path) -> dict[str, Any]:
    """Read the data card of a run folder.

    Raises:
        RunError: there is none, or it is damaged.
    """
    path = Path(folder) / "data.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RunError(str(path), expected="a run's data card", got=error.strerror or "nothing") from error
    except ValueError as error:
        raise RunError(str(path), expected="JSON", got="a damaged file", remedy="train anew") from error
