"""From the arrays that scikit-learn hands over, rows of a table or images, to a data set in memory."""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.data.arrays import input_fields
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import Scaling
from neurarium.data.split import stratified_split
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema


def as_table(X: Any) -> tuple[Any, tuple[int, int, int] | None]:
    """Lay images out as rows of a table; leave everything else as it is.

    `X`: images (examples, height, width) or (examples, channels, height, width), or a table of any type.
    Returns the table, and the shape of an image (channels, height, width), none where `X` was no array of images.

    Example:
        >>> table, shape = as_table(np.zeros((5, 8, 8)))
        >>> table.shape, shape
        ((5, 64), (1, 8, 8))
    """
    try:
        images = np.asarray(X)
    except ValueError as error:
        raise DataError(
            "X", expected="examples of one shape", got=f"a {type(X).__name__} of arrays of several shapes",
            remedy="neurarium.train(recipe, data=(X, y)) takes series of different lengths",
        ) from error  # fmt: skip
    if images.ndim not in (3, 4):
        return X, None
    channels, height, width = images.shape[1:] if images.ndim == 4 else (1, *images.shape[1:])
    return images.reshape(len(images), channels * height * width), (channels, height, width)


def example_shape(features: int, images: tuple[int, int, int] | None, image_shape: Any) -> tuple[int, ...]:
    """Find the shape in which a net shall see an example.

    `image_shape`: what the user said it is: (channels, height, width), (height, width) of gray images, or none.
    Returns (channels, height, width) of images, (features,) of vectors.
    Raises ConfigError: `image_shape` is no such shape; ShapeError: it does not fit what came.

    Example:
        >>> example_shape(64, None, None), example_shape(64, None, (8, 8))
        ((64,), (1, 8, 8))
    """
    if image_shape is None:
        return images or (features,)
    sizes = _sizes(image_shape)
    said = sizes if len(sizes) == 3 else (1, *sizes)
    if images is not None and images != said:
        raise ShapeError("X", expected=f"images of shape {said}, as image_shape says", got=f"images of shape {images}")
    if math.prod(said) != features:
        raise ShapeError(
            "image_shape",
            expected=f"as many pixels as X has features, {features}",
            got=f"{image_shape}, {math.prod(said)} pixels",
            remedy="give (channels, height, width) of one image",
        )
    return said


def to_tensor(table: Shaped[np.ndarray, "examples features"], shape: tuple[int, ...]) -> Shaped[Tensor, "..."]:
    """Make a tensor (examples, *shape) of a checked table; the memory is shared where torch can."""
    # torch takes neither read-only memory nor negative strides
    whole = np.require(table, requirements=["C", "W"])
    return torch.from_numpy(whole).view(len(table), *shape)


def dataset_of(
    inputs: Shaped[Tensor, "examples *shape"],
    targets: Shaped[Tensor, "examples *outputs"],
    names: tuple[str, ...],
    validation: int,
) -> Dataset:
    """Make a data set without a test part, scaled by the examples that are left to learn from.

    Args:
        targets: class numbers (examples), or numbers to predict (examples, outputs), which are standardized; one
            that is the same for all examples becomes 0.
        validation: how many examples to hold out, classes stratified, by a fixed seed.
    Raises DataError: too few examples, or examples of each class, to hold one out.
    """
    classes = targets.ndim == 1
    kept, held_out = stratified_split(targets if classes else torch.zeros(len(targets), dtype=torch.int64), validation)
    if validation and len(held_out) == 0:
        one, got = "a class of more than one example", f"{len(targets)} classes of one example each"
        raise DataError(
            "y",
            expected=f"{one if classes else 'more than one example'}, to hold one out for early_stopping",
            got=got if classes else "one",
            remedy="give more examples, or set early_stopping=False",
        )
    ((name, field),) = input_fields(tuple(inputs.shape[1:])).items()
    shown = {name: Scaling.fit(inputs[kept]).field(field)}
    if classes:
        schema = Schema(shown, {"label": Field((), categories=names)})
    else:
        # not by `assemble`, which refuses numbers that are all the same: scikit-learn wants them learned
        scaling = Scaling.fit(targets[kept])
        schema = Schema(shown, {"output": scaling.field(Field((len(names),), names=names))})
        targets = scaling.apply(targets)
    whole = Table((inputs,), (targets,), schema)
    train, held, test = (whole.select(index) for index in (kept, held_out, torch.arange(0)))
    return Dataset("X", train, held, test, schema)


def _sizes(image_shape: Any) -> tuple[int, ...]:
    sizes = np.asarray(image_shape)
    if sizes.dtype.kind not in "iu" or sizes.shape not in ((2,), (3,)) or sizes.min() < 1:
        raise ConfigError("image_shape", expected="(channels, height, width) or (height, width)", got=repr(image_shape))
    return tuple(sizes.tolist())
