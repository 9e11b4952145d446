"""Read what a trained net shall judge: images, rows of numbers, series or lines of text, as examples without targets.

| the net learned from | files that fit |
|---|---|
| images | images, folders of images, .npz, .csv with a column a pixel |
| clips | animated GIFs, folders of frames, folders of either |
| rows of features | .npz, .csv |
| series | .csv, a row a step, as `long_csv` says |
| characters or words: rows of any length, or windows of a text | .txt, one example a line |
| recordings | .wav, folders of them |
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Shaped
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.arrays import as_inputs
from neurarium.data.clip_folder import clips_below, read_clip
from neurarium.data.csv_table import names_of_targets, read_table
from neurarium.data.examples import Examples
from neurarium.data.image_file import is_image_file, read_image
from neurarium.data.log_mel import LogMel
from neurarium.data.long_csv import holds_series, read_series
from neurarium.data.npz import INPUT_KEYS, first_key, read_arrays, stored_keys
from neurarium.data.recordings import read_recordings
from neurarium.data.table import Table
from neurarium.data.text_lines import holds_characters, holds_words, read_lines
from neurarium.record.schema import Field, Schema

Inputs = Shaped[Tensor, "examples *shape"]
_FITTING = (
    "a net of images (images, .npz, .csv), rows of numbers (.npz, .csv), series (.csv), text (.txt) or recordings "
    "(.wav), to read files"
)


class ReadInputs(NamedTuple):
    """Names and examples that were read, and how columns were found where a user might think otherwise."""

    names: list[str]
    examples: Examples
    notices: tuple[str, ...] = ()


def read_inputs(paths: Sequence[str | Path], schema: Schema) -> ReadInputs:
    """Return a name for each example in some files ("digits.npz[0]", an image's path), and examples without targets.

    They are scaled by the constants of `schema` when they are gathered: stored as bytes where every one is of bytes
    (images are: 0 to 255), else as floats; text as the numbers of its characters or words.

    Args:
        paths: images; folders, of which all images are taken, those of sub-folders too; .npz files with
            one of the keys x, inputs, images, data, x_test; .csv files with or without the columns to be
            predicted, which are passed over; .txt files in UTF-8, one example a line; .wav files.
        schema: that the net learned from. Images are brought to its shape in channels and size; rows of .npz and .csv
            files must have as many numbers. Where a .csv file has a header and the schema names its features, columns
            are found by their names, in whatever order they stand, and others passed over.
    Raises DataError: no such file, a damaged one or one of another kind, examples of another shape, a column that is
    missing, words that were not learned.
    """
    field, files = schema.input, list(map(Path, paths))
    if not files:
        remedy = "name images, a folder of images, an .npz, a .csv or a .txt file"
        raise DataError("inputs", expected="at least one example", got="none", remedy=remedy)
    if len(schema.inputs) == 1 and (holds_characters(field) or holds_words(field)):
        return ReadInputs(*read_lines(files, Schema(schema.inputs)))
    known, notices = names_of_targets(schema), list[str]()
    if len(schema.inputs) == 1 and LogMel.of(field):
        return ReadInputs(*read_recordings(files, Schema(schema.inputs)))
    if len(schema.inputs) == 1 and holds_series(field):
        return ReadInputs(*read_series(files, Schema(schema.inputs), known))
    if len(schema.inputs) > 1 or field.is_ragged or field.categories:
        kinds = ", ".join(f"{name} ({found.in_words()})" for name, found in schema.inputs.items())
        remedy = "give examples in Python: run.predict(examples)"
        raise DataError("inputs", expected=_FITTING, got=f"one that learned from {kinds}", remedy=remedy)
    is_clips = len(field.shape) == 4
    names: list[str] = []
    tensors: list[Inputs] = []
    for path in files:
        if is_clips and (path.is_dir() or is_image_file(path)):
            clips = clips_below(path)
            if not clips:
                expected, got = "an animated GIF, a folder of frames, or a folder of either", "none"
                raise DataError(str(path), expected=expected, got=got, remedy="check the path")
            names += map(str, clips)
            tensors += [torch.from_numpy(read_clip(clip, field.fixed_shape))[None] for clip in clips]
        elif path.is_dir() or is_image_file(path):
            images = sorted(filter(is_image_file, path.rglob("*"))) if path.is_dir() else [path]
            if not images:
                raise DataError(str(path), expected="images", got="a folder without any", remedy="check the path")
            if not field.is_image:
                got, remedy = "images", "give a .csv or .npz file"
                expected = f"rows of {math.prod(field.fixed_shape)} features"
                raise DataError(str(path), expected=expected, got=got, remedy=remedy)
            names += map(str, images)
            tensors += [torch.tensor(read_image(image, *field.fixed_shape))[None] for image in images]
        else:
            rows = _rows(path, field, known, notices)
            names += [f"{path}[{k}]" for k in range(len(rows))]
            tensors.append(rows)
    if not names:
        raise DataError(str(files[0]), expected="at least one example", got="none", remedy="add some")
    return ReadInputs(names, Table((torch.cat(tensors),), (), Schema(schema.inputs)), tuple(notices))


def _rows(path: Path, field: Field, known: Sequence[str], notices: list[str]) -> Inputs:
    shape, size = field.fixed_shape, field.size
    if path.suffix.lower() == ".csv":
        cells = read_table(path, size, known, field.names)
        notices += cells.notices
        return cells.features.view(-1, *shape)
    if path.suffix.lower() != ".npz":
        exists = f"a file named *{path.suffix}" if path.exists() else "no such file"
        images = "an image (png, jpg, bmp, gif), a folder of images, " if field.is_image else ""
        raise DataError(str(path), expected=f"{images}an .npz or a .csv file", got=exists, remedy="check the path")
    keys = stored_keys(path)
    key = first_key(keys, (*INPUT_KEYS, "x_test"))
    if key is None:
        expected, got = f"one of the keys {', '.join(INPUT_KEYS)}", ", ".join(keys.values()) or "none"
        remedy = "save with numpy.savez(path, x=inputs)"
        raise DataError(str(path), expected=expected, got=got, remedy=remedy)
    (array,) = read_arrays(path, [key])
    rows = as_inputs(array, f"{path}, {key}")
    found = tuple(rows.shape[1:])
    if found not in (shape, (size,)):
        remedy = f"save {'images' if field.is_image else 'rows'} like those that the net learned from"
        raise DataError(f"{path}, {key}", expected=f"rows of shape {shape}", got=f"{found}", remedy=remedy)
    return rows.view(-1, *shape)
