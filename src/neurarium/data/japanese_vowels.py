"""Two vowels spoken by nine men: series of cepstrum coefficients of different lengths; who speaks?

Source: M. Kudo, J. Toyama, M. Shimbo, "Multidimensional curve classification using passing-through regions", 1999.
"""

from importlib.resources import as_file, files

import numpy as np
import torch

from neurarium.data.assemble import Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields
from neurarium.data.ragged import Ragged
from neurarium.record.schema import Field, Schema

_COEFFICIENTS, _SPEAKERS, _HELD_OUT = 12, 9, 54


def load(folder: str | None = None) -> Dataset:
    """Return 270 utterances to learn and choose from, and the 370 that its authors test on.

    Each is 7 to 29 steps of 12 coefficients of a linear prediction's cepstrum, a step every 6.4 ms.
    """
    names = tuple(f"cepstrum {k}" for k in range(1, _COEFFICIENTS + 1))
    speakers = [f"speaker {k}" for k in range(1, _SPEAKERS + 1)]
    schema = Schema({"series": Field((None, _COEFFICIENTS), names=names, axis="time")}, class_fields(speakers))
    with as_file(files("neurarium.data") / "embedded" / "japanese_vowels.npz") as path, np.load(path) as stored:
        kinds = ("values", "labels", "lengths")
        cut = ([torch.from_numpy(stored[f"{part}_{kind}"]) for kind in kinds] for part in ("train", "test"))
        train, test = (Ragged({"series": x, "label": y}, {"time": lengths}, schema) for x, y, lengths in cut)
    provenance = (
        "Japanese Vowels (M. Kudo, J. Toyama, M. Shimbo, 1999; UCI machine learning repository), test part as published"
    )
    license = "CC BY 4.0, as stated by the UCI machine learning repository"
    parts: Parts = {"train": train, "test": test}
    return assemble("japanese-vowels", parts, provenance=provenance, license=license, validation=_HELD_OUT)
