"""The book of Genesis, King James Version, character by character."""

import gzip
from importlib.resources import files

from neurarium.data.characters import from_text
from neurarium.data.dataset import Dataset


def load(folder: str | None = None) -> Dataset:
    """Return windows of 64 of its 196,873 characters, of which 61 differ."""
    stored = files("neurarium.data") / "embedded" / "genesis.txt.gz"
    text = gzip.decompress(stored.read_bytes()).decode("ascii")
    provenance = "the book of Genesis, King James Version of 1611 in the text of 1769, a verse a line (eBible.org)"
    license = "public domain; in the United Kingdom, printing is reserved by letters patent"
    return from_text(text, "genesis", provenance=provenance, license=license)
