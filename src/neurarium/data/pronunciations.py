"""English words and how they are spoken: from letters to phonemes.

Source: the CMU Pronouncing Dictionary, Carnegie Mellon University, as `cmudict-en-us` of 2015.
"""

import gzip
from importlib.resources import files

from neurarium.data.dataset import Dataset
from neurarium.data.text_pairs import from_pairs


def load(folder: str | None = None) -> Dataset:
    """Return 24,000 words as rows of letters, and as rows of phonemes between a start and an end."""
    stored = files("neurarium.data") / "embedded" / "pronunciations.tsv.gz"
    lines = gzip.decompress(stored.read_bytes()).decode("ascii").splitlines()
    pairs = [(word, phonemes) for word, _, phonemes in (line.partition("\t") for line in lines)]
    provenance = "24,000 words of the CMU Pronouncing Dictionary (cmudict-en-us, 2015), without stress"
    return from_pairs(pairs, "pronunciations", provenance=provenance, license="BSD with two clauses")
