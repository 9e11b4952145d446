"""A named data set: three parts, what their examples look like, and where they came from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from neurarium.data.examples import Examples
from neurarium.data.scaling import Scaling
from neurarium.record.notebook import html_table
from neurarium.record.schema import Schema

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples to learn from, to choose settings and the end of learning by, and for the final score alone.

    Args:
        schema: of the examples, with the constants that were fitted on `train`.
        provenance: who made the data, which part of it this is, how it was split.
        notices: what a user should know of how they were read, a sentence each.
    """

    name: str
    train: Examples
    validation: Examples
    test: Examples
    schema: Schema
    provenance: str = "memory"
    license: str = "not stated"
    notices: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}: {sizes_in_words(self.counts())}; {self.schema.in_words()})"

    def _repr_html_(self) -> str:
        return described(self.name, self.counts(), self.schema, self.provenance, self.license)

    def parts(self) -> dict[str, Examples]:
        """The three parts by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def counts(self) -> dict[str, int]:
        """Return how many examples each part has, by the part's name."""
        return {name: len(part) for name, part in self.parts().items()}

    def fingerprint(self) -> str:
        """Return the SHA-256 of all examples and targets of the three parts, in hexadecimal.

        Equal for equal data, in memory or streamed, on any device; costs a pass over them. Taken over the source's
        numbers, before scaling; of targets that are numbers, as stored, standardized, and over their scaling.
        """
        digest = hashlib.sha256()
        for field in self.schema.targets.values():
            if (scaling := Scaling.of(field)) is not None:
                digest.update(f"{ {'mean': list(scaling.mean), 'std': list(scaling.std)} }\n".encode())
        for part in self.parts().values():
            digest.update(f"{len(part)} {self.schema.input.shape}\n".encode())
            for piece in part.chunks():
                digest.update(str(piece.dtype).encode() + piece.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def with_schema(self, schema: Schema) -> "Dataset":
        """Return the data set under another run's constants and categories.

        Raises DataError: other fields, or categories that the other schema does not have.
        """
        train, validation, test = (part.with_schema(schema) for part in self.parts().values())
        return replace(self, train=train, validation=validation, test=test, schema=train.schema)

    def to(self, device: torch.device | str) -> "Dataset":
        """Return the data set with its three parts on `device`."""
        train, validation, test = (part.to(device) for part in self.parts().values())
        return replace(self, train=train, validation=validation, test=test)

    def cached(self) -> "Dataset":
        """Return the data set with the parts of every epoch prepared beforehand, where that takes little memory."""
        return replace(self, train=self.train.cached(), validation=self.validation.cached())


def sizes_in_words(counts: Mapping[str, int]) -> str:
    """How many examples each part has."""
    return ", ".join(f"{count:,} {part}" for part, count in counts.items())


def described(name: str, counts: Mapping[str, int], schema: Schema, provenance: str, license: str) -> str:
    """What a notebook shows of a data set, with or without its examples."""
    rows = [("examples", sizes_in_words(counts)), *schema.rows(), ("provenance", provenance), ("license", license)]
    return html_table(f"Dataset {name}", rows)
