"""Recordings and what is said in them: a folder of WAV files and a table of their texts.

    FOLDER/texts.tsv     one recording a line: its file, a tab, its text
    FOLDER/*.wav         PCM of any rate, in sub-folders too

The table has any name that ends with .tsv. Sounds become loudness in bands of pitch (`log_mel`), texts rows of their
characters; the vocabulary is all that occur.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from neurarium.checks import DataError
from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.log_mel import LogMel
from neurarium.data.ragged import Ragged
from neurarium.data.reading import read_text
from neurarium.data.wav import SUFFIX, read_wav
from neurarium.record.schema import BLANK, Field, Schema


def is_folder_of_recordings(folder: Path) -> bool:
    """Whether a .tsv file lies in a folder."""
    return any(path.suffix.lower() == ".tsv" for path in folder.iterdir())


def load(folder: Path, name: str, whole: bool = False) -> Dataset:
    """Return the recordings of a folder, a tenth each held out for validation and the test; `whole` as in `assemble`.

    Raises:
        DataError: several tables, a line that is no file and text, a file that is not there or no WAV file, or a
            recording too short for its text.
    """
    tables = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".tsv")
    if len(tables) != 1:
        raise DataError(str(folder), expected="one .tsv file of file names and texts", got=f"{len(tables)}")
    features, heard, texts, places = LogMel(), [], [], []
    for k, line in enumerate(read_text(tables[0]).splitlines(), 1):
        if not line.strip():
            continue
        sides = [side.strip() for side in line.split("\t")]
        if len(sides) != 2 or not all(sides):
            expected, got = "a file, a tab and its text", f"{line.count(chr(9))} tabs in {line[:40]!r}"
            raise DataError(f"{tables[0]}, line {k}", expected=expected, got=got, remedy="write one recording a line")
        file, text = sides
        heard.append(features(read_wav(folder / file, features.rate)))
        texts.append(text)
        places.append(str(folder / file))
    if not heard:
        raise DataError(str(tables[0]), expected="at least one recording", got="none", remedy="write one a line")
    examples = transcripts(heard, texts, places, features.field)
    return assemble(name, {"train": examples}, provenance=str(folder), subject=str(folder), whole=whole)


def transcripts(
    heard: Sequence[Float[np.ndarray, "_ _"]],
    texts: Sequence[str],
    places: Sequence[str],
    field: Field,
    letters: Sequence[str] = (),
) -> Ragged:
    """Series and what is said in them as examples.

    Args:
        heard: (steps, features) of each.
        places: how messages call each.
        letters: the vocabulary; empty: all that occur in the texts.

    Raises:
        DataError: a series too short for its text.
    """
    vocabulary = (BLANK, *(letters or sorted(set("".join(texts)))))
    number = {letter: k for k, letter in enumerate(vocabulary)}
    for one, text, place in zip(heard, texts, places, strict=True):
        steps = len(text) + sum(a == b for a, b in pairwise(text))  # a blank stands between two that are equal
        if len(one) < steps:
            expected, got = f"{steps} steps or more, for {len(text)} letters", f"{len(one)} steps of sound"
            raise DataError(place, expected=expected, got=got, remedy="see whether text and recording belong together")
    target = Field((None,), categories=vocabulary, axis="letters", constants={"joiner": ""})
    columns = {
        "sound": torch.from_numpy(np.concatenate(heard)),
        "text": torch.tensor([number[letter] for text in texts for letter in text]),
    }
    lengths = {"time": torch.tensor([len(one) for one in heard]), "letters": torch.tensor(list(map(len, texts)))}
    return Ragged(columns, lengths, Schema({"sound": field}, {"text": target}))


def read_recordings(files: Sequence[Path], schema: Schema) -> tuple[list[str], Ragged]:
    """Return the names of WAV files, and of those in folders, and their sounds as a net that hears them knows them.

    Raises:
        DataError: no such file, no WAV file, or a folder without any.
    """
    ((name, field),) = schema.inputs.items()
    features = LogMel.of(field)
    assert features is not None
    paths = []
    for path in files:
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() == SUFFIX) if path.is_dir() else [path]
        if not found:
            raise DataError(str(path), expected="WAV files", got="a folder without any", remedy="check the path")
        paths += found
    heard = [features(read_wav(path, features.rate)) for path in paths]
    columns = {name: torch.from_numpy(np.concatenate(heard))}
    return list(map(str, paths)), Ragged(columns, {field.axis: torch.tensor(list(map(len, heard)))}, schema)
