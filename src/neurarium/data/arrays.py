"""Take an array of numbers for rows of features or for images, by its shape."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Shaped
from torch import Tensor

from neurarium.checks import DataError
from neurarium.record.schema import Field

_CHANNELS = (1, 3, 4)


def as_inputs(array: npt.NDArray[Any], subject: str) -> Shaped[Tensor, "examples *shape"]:
    """Return rows of numbers as inputs in the source's units.

    (examples, features) are rows, (examples, height, width) gray images. Images with 1, 3 or 4 channels have them last
    where the last axis is that long and the second is not, else first. Bytes stay bytes; other numbers become float32
    for images and float64 for rows.
    Raises DataError: another shape, no numbers, or a number that is infinite or undefined.
    """
    if array.dtype.kind not in "biuf":
        raise DataError(subject, expected="numbers", got=f"type {array.dtype}", remedy="save numbers")
    if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
        place = np.unravel_index(int(np.argmin(finite)), array.shape)
        where = f"{subject}, row {place[0]}, column {', '.join(map(str, place[1:]))} (counted from 0)"
        got, remedy = str(array[place]), "remove the row or fill the gap"
        raise DataError(where, expected="a finite number", got=got, remedy=remedy)
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[3] in _CHANNELS and array.shape[1] not in _CHANNELS:
        array = array.transpose(0, 3, 1, 2)
    elif array.ndim != 2 and not (array.ndim == 4 and array.shape[1] in _CHANNELS):
        expected = "(examples, features), (examples, height, width) or images with 1, 3 or 4 channels"
        raise DataError(subject, expected=expected, got=f"shape {array.shape}", remedy="reshape before saving")
    wide = np.float64 if array.ndim == 2 else np.float32
    stored = np.uint8 if array.dtype in (np.bool_, np.uint8) else wide
    return torch.from_numpy(np.ascontiguousarray(array, dtype=stored))


def input_fields(shape: tuple[int, ...], names: tuple[str, ...] = ()) -> dict[str, Field]:
    """Return the input field, by its name, of images (channels, height, width) or of rows of features (features,)."""
    return {"features": Field(shape, names=names)} if len(shape) == 1 else {"image": Field(shape)}
