"""Words and sentences that a telephone exchange says, spoken by one woman: recordings and their texts.

Source: Asterisk Core Sounds 1.6.1, spoken by Allison Smith, 2003 to 2010.
"""

from importlib.resources import as_file, files

import numpy as np
import torch

from neurarium.data.assemble import Part, Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.log_mel import FLOOR, LogMel
from neurarium.data.recordings import transcripts

_HELD_OUT, _SEED = 40, 0


def load(folder: str | None = None) -> Dataset:
    """Return 365 recordings of 0.7 to 8 seconds, as loudness in 26 bands, 50 steps a second, to the decibel.

    The recordings of 40 texts each are held out for validation and for the test: no text is in two parts, as the same
    recording may have two names. Most words of the sentences to be tested occur in others, most single words do not.
    """
    with as_file(files("neurarium.data") / "embedded" / "spoken_prompts.npz") as path, np.load(path) as stored:
        values, lengths, texts, names = (stored[key] for key in ("values", "lengths", "texts", "files"))
    heard = np.split(values.astype(np.float32) + np.float32(FLOOR), np.cumsum(lengths)[:-1])
    whole = transcripts(heard, texts.tolist(), names.tolist(), LogMel().field)
    drawn = np.random.default_rng(_SEED).permutation(np.unique(texts))
    cuts: dict[Part, np.ndarray] = {
        "train": drawn[2 * _HELD_OUT :], "validation": drawn[_HELD_OUT : 2 * _HELD_OUT], "test": drawn[:_HELD_OUT]
    }  # fmt: skip
    chosen = {part: torch.from_numpy(np.isin(texts, cut)).nonzero()[:, 0] for part, cut in cuts.items()}
    parts: Parts = {part: whole.select(index) for part, index in chosen.items()}
    provenance = "Asterisk Core Sounds 1.6.1 in English, spoken by Allison Smith; parts without a text in common"
    return assemble("spoken-prompts", parts, provenance=provenance, license="CC BY-SA 3.0")
