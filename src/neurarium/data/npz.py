"""Data sets in NumPy's .npz: inputs and labels, or inputs and labels of each part as Keras keeps them.

| y holds | it is |
|---|---|
| text, truth values | classes |
| a fraction anywhere; several columns of floats | numbers to predict |
| integers, integers or floats | classes |
| more than 50 different integers, more than a tenth of the examples too | refused: the key must say it |

Under the key `numbers` (or `numbers_train`, ...) in place of y all are numbers to predict; as text, `y.astype(str)`,
all are classes. Nothing pickled is loaded: an archive from a stranger may not run code here.
"""

import contextlib
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float64
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.arrays import as_inputs, input_fields
from neurarium.data.assemble import Part, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields, encode
from neurarium.data.numbers import are_numbers, number_fields
from neurarium.data.reading import reading
from neurarium.data.table import Table
from neurarium.record.schema import Schema

Array = npt.NDArray[Any]

INPUT_KEYS = ("x", "inputs", "images", "data")
NUMBER_KEY = "numbers"
LABEL_KEYS = ("y", "labels", "targets", NUMBER_KEY)
_PART_ENDINGS: dict[Part, str] = {"train": "_train", "validation": "_val", "test": "_test"}


def load(path: Path, name: str, whole: bool = False) -> Dataset:
    """Return the data set in an .npz file; `whole` as in `assemble`.

    Keys, in capitals or not: one of x, inputs, images, data and one of y, labels, targets, numbers, divided 80/10/10;
    or x_train, y_train and, where they are there, x_val, y_val, x_test, y_test (or numbers_train, ... in place of
    y_train, ...). Shapes: see `arrays.as_inputs`; numbers to predict are (examples,) or (examples, outputs).
    Raises DataError: no whole .npz file, keys missing, pickled objects, inputs that are no finite numbers, labels of
    another number, or that are neither classes nor numbers, or may be either.
    """
    inputs: dict[Part, Tensor] = {}
    labels: list[Array] = []
    keys = _part_keys(stored_keys(path), path)
    for part, (x_key, y_key) in keys.items():
        x, y = read_arrays(path, (x_key, y_key))
        inputs[part] = as_inputs(x, f"{path}, {x_key}")
        if y.shape[:1] != x.shape[:1]:
            place, got, remedy = f"{path}, {y_key}", f"shape {y.shape}", "save inputs and labels of the same examples"
            raise DataError(place, expected=f"{len(x)} labels, one for each row of {x_key}", got=got, remedy=remedy)
        shape, found = (tuple(inputs[which].shape[1:]) for which in ("train", part))
        if found != shape:
            expected = f"examples of shape {shape} as in training"
            raise DataError(f"{path}, {x_key}", expected=expected, got=f"{found}")
        labels.append(y)
    key = keys["train"][1]
    every = _joined(labels, list(keys.values()), path)
    remedy = f"save numbers to predict under the key {NUMBER_KEY} in place of y, classes as text, y.astype(str)"
    numbers = key.lower().startswith(NUMBER_KEY) or are_numbers(every, f"{path}, {key}", remedy)
    targets, names = _numbers(every, key, path) if numbers else encode(every, str(path))
    cut = torch.split(targets, [len(y) for y in labels])
    schema = Schema(input_fields(tuple(inputs["train"].shape[1:])), (number_fields if numbers else class_fields)(names))
    parts = {part: Table((x,), (y,), schema) for (part, x), y in zip(inputs.items(), cut, strict=True)}
    return assemble(name, parts, provenance=str(path), subject=str(path), whole=whole)


def stored_keys(path: Path) -> dict[str, str]:
    """Return the keys of an .npz file, by the same in small letters; a `DataError` where it is none."""
    with _archive(path) as archive:
        found = {key.lower(): key for key in archive}
        if len(found) < len(list(archive)):
            remedy = "remove one"
            raise DataError(str(path), expected="keys that differ", got=", ".join(archive), remedy=remedy)
        return found


def read_arrays(path: Path, keys: Iterable[str]) -> list[Array]:
    """Return the arrays of these keys. Raises DataError: no such file, a damaged one, or pickled objects."""
    with _archive(path) as archive:
        return [archive[key] for key in keys]


def first_key(keys: Mapping[str, str], names: Iterable[str]) -> str | None:
    """Return the first of `names` that is a key, spelled as in the file."""
    return next((keys[name] for name in names if name in keys), None)


def _part_keys(keys: Mapping[str, str], path: Path) -> dict[Part, tuple[str, str]]:
    for label in ("y", NUMBER_KEY):
        pairs = {part: (f"x{ending}", f"{label}{ending}") for part, ending in _PART_ENDINGS.items()}
        if set(pairs["train"]) <= keys.keys():
            return {part: (keys[x], keys[y]) for part, (x, y) in pairs.items() if {x, y} <= keys.keys()}
    x, y = first_key(keys, INPUT_KEYS), first_key(keys, LABEL_KEYS)
    if x is None or y is None:
        known = f"one of {', '.join(INPUT_KEYS)} and one of {', '.join(LABEL_KEYS)}"
        got = f"the keys {', '.join(keys.values()) or 'of an empty archive'}"
        remedy = "save with numpy.savez(path, x=inputs, y=labels)"
        raise DataError(str(path), expected=f"{known} (or x_train, y_train, x_test, y_test)", got=got, remedy=remedy)
    return {"train": (x, y)}


def _joined(labels: Sequence[Array], keys: Sequence[tuple[str, str]], path: Path) -> Array:
    """Return the labels of all parts one after the other; a single column as one axis."""
    flat = [y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y for y in labels]
    for y, (_, key) in zip(flat, keys, strict=True):
        if y.shape[1:] != flat[0].shape[1:]:
            expected = f"labels of shape {('examples', *flat[0].shape[1:])} as in training"
            raise DataError(f"{path}, {key}", expected=expected.replace("'", ""), got=f"shape {y.shape}")
    return np.concatenate(flat)


def _numbers(y: Array, key: str, path: Path) -> tuple[Float64[Tensor, "examples outputs"], tuple[str, ...]]:
    """Return numbers to predict and the names of the outputs: the key, with a place where there are several."""
    if y.dtype.kind not in "biuf" or y.ndim not in (1, 2):
        expected, remedy = "numbers to predict, (examples,) or (examples, outputs)", "save numbers"
        raise DataError(f"{path}, {key}", expected=expected, got=f"shape {y.shape}, type {y.dtype}", remedy=remedy)
    columns = y.reshape(len(y), -1) if len(y) else y.reshape(0, 1)
    name = key[: -len("_train")] if key.lower().endswith("_train") else key
    names = (name,) if columns.shape[1] == 1 else tuple(f"{name}[{k}]" for k in range(columns.shape[1]))
    return torch.from_numpy(columns.astype(np.float64)), names


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[Mapping[str, Array]]:
    damaged = "save it again with numpy.savez(path, x=inputs, y=labels)"
    try:
        with reading(path, "an .npz file"), path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(str(path), expected="an .npz file", got="a single array (.npy)", remedy=damaged)
            with archive:
                yield archive
    # RuntimeError: encrypted, or by a method that zipfile does not know; MemoryError: a header that claims terabytes
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, MemoryError) as error:
        raise DataError(str(path), expected="a whole .npz file", got=f"{error}", remedy=damaged) from error
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        if "allow_pickle" in str(error):
            got = "pickled objects, which could run code and are never loaded, or no .npz file at all"
            remedy = "save plain arrays: numpy.savez(path, x=inputs.astype(float), y=labels.astype(int))"
            raise DataError(str(path), expected="arrays of numbers or text", got=got, remedy=remedy) from error
        raise DataError(str(path), expected="a whole .npz file", got=f"{error}", remedy=damaged) from error
