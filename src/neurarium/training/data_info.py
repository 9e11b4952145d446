"""What a run keeps of its data: what evaluation, prediction and reports must know without having them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurarium.checks import RunError
from neurarium.data.dataset import Dataset, described, sizes_in_words
from neurarium.record.schema import Schema
from neurarium.record.sealed import read_json

FILE = "data.json"


@dataclass(frozen=True)
class DataInfo:
    """A data set without its examples: schema with fitted constants, examples of each part, their SHA-256."""

    name: str
    schema: Schema
    counts: dict[str, int]
    fingerprint: str
    provenance: str
    license: str

    def __repr__(self) -> str:
        return f"DataInfo({self.name!r}: {sizes_in_words(self.counts)}; {self.schema.in_words()})"

    def _repr_html_(self) -> str:
        return described(self.name, self.counts, self.schema, self.provenance, self.license)

    @classmethod
    def of(cls, dataset: Dataset) -> "DataInfo":
        """Describe a data set."""
        fingerprint = dataset.fingerprint()
        return cls(dataset.name, dataset.schema, dataset.counts(), fingerprint, dataset.provenance, dataset.license)

    def to_plain(self) -> dict[str, Any]:
        """Return the description as JSON can hold it."""
        return {**vars(self), "schema": self.schema.to_plain()}


def read_data_info(folder: str | Path) -> DataInfo:
    """Read what a run folder knows of its data. Raises RunError: nothing is there, or it is damaged."""
    path = Path(folder) / FILE
    plain = read_json(path, "a run's description of its data", "restore it, or train anew")
    try:
        return DataInfo(**{**plain, "schema": Schema.from_plain(plain["schema"])})
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            str(path), expected="a description of data", got="one of another version", remedy="train anew"
        ) from error
