"""A named data set: three parts, what their examples look like, and where they came from."""

import hashlib
from dataclasses import dataclass, replace

import torch

from neurarium.data.examples import Examples
from neurarium.data.scaling import Scaling
from neurarium.record.notebook import html_table
from neurarium.record.schema import Schema, field_in_words

PARTS = ("train", "validation", "test")
_NAMED = 20  # classes that a notebook shows


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples to learn from, to choose settings and the end of learning by, and for the final score alone.

    Args:
        schema: of the examples, with the constants that were fitted on `train`.
        provenance: who made the data, which part of it this is, how it was split.
    """

    name: str
    train: Examples
    validation: Examples
    test: Examples
    schema: Schema
    provenance: str = "memory"
    license: str = "not stated"

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}: {self._sizes()}; {self.schema.in_words()})"

    def _repr_html_(self) -> str:
        fields = [(name, field_in_words(name, field)) for name, field in self.schema.fields.items()]
        if self.schema.targets and len(self.schema.classes) <= _NAMED:
            fields.append(("classes" if self.schema.target.categories else "outputs", ", ".join(self.schema.classes)))
        rows = [("examples", self._sizes()), *fields, ("provenance", self.provenance), ("license", self.license)]
        return html_table(f"Dataset {self.name}", rows)

    def _sizes(self) -> str:
        return ", ".join(f"{count:,} {part}" for part, count in self.counts().items())

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

        Raises:
            DataError: other fields, or categories that the other schema does not have.
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
