"""A named data set: three parts, one scaling, and where it came from."""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from neurarium.data.batches import in_order
from neurarium.data.examples import Dense, Examples
from neurarium.data.scaling import Scaling
from neurarium.data.stream import Streamed


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples to learn from, to choose by, and to be judged on once.

    Args:
        name: as it was asked for.
        kind: "images" (channels, height, width) or "vectors" (features,).
        train: examples that a net learns from.
        development: examples by which settings are chosen and learning is stopped; may be empty.
        test: examples for the final score alone; may be empty.
        shape: of one example.
        classes: their names; target k means `classes[k]`. Where the targets are numbers: the names of the outputs.
        scaling: fitted on `train`; the three parts apply it themselves.
        source: who made the data, which part of it this is, how it was split.
        licence: under which it may be used.
        target_scaling: by which the targets were standardised, fitted on those of `train`, one pair of numbers an
            output; the targets of the parts are then float32 of shape (examples, outputs). None where they are class
            numbers.

    Example:
        >>> from neurarium.data.scikit_tables import diabetes
        >>> data = diabetes()
        >>> data.task, data.classes, data.train.targets.shape
        ('numbers', ('progression',), torch.Size([354, 1]))
        >>> data.target_scaling.undo(data.train.targets[:2])
        tensor([[151.],
                [141.]])
    """

    name: str
    kind: Literal["images", "vectors"]
    train: Examples
    development: Examples
    test: Examples
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    scaling: Scaling
    source: str
    licence: str
    target_scaling: Scaling | None = None

    @property
    def task(self) -> Literal["classes", "numbers"]:
        """What is to be predicted: which class an example is of, or one or more numbers."""
        return "classes" if self.target_scaling is None else "numbers"

    def counts(self) -> dict[str, int]:
        """Return how many examples each part has, by the part's name."""
        return {"train": len(self.train), "development": len(self.development), "test": len(self.test)}

    def fingerprint(self) -> str:
        """Return the SHA-256 of all examples and targets of the three parts, in hexadecimal.

        Equal for equal data wherever it lies, in memory or streamed, on whichever device. Costs one pass over
        the data. Taken over the source's numbers, before scaling; targets that are numbers as they are stored,
        standardised, and with their scaling.
        """
        digest = hashlib.sha256()
        if self.target_scaling is not None:
            digest.update(f"{self.target_scaling.to_dict()}\n".encode())
        for part in (self.train, self.development, self.test):
            digest.update(f"{len(part)} {self.shape}\n".encode())
            for piece in itertools.chain(_stored(part), [part.targets]):
                digest.update(str(piece.dtype).encode() + piece.cpu().numpy().tobytes())
        return digest.hexdigest()

    def to(self, device: torch.device | str) -> "Dataset":
        """Return the data set with its three parts on `device`."""
        return replace(
            self,
            train=self.train.to(device),
            development=self.development.to(device),
            test=self.test.to(device),
        )

    def prepared(self) -> "Dataset":
        """Return the data set with the parts seen in every epoch scaled beforehand, where that takes little memory."""
        return replace(self, train=self.train.prepared(), development=self.development.prepared())


def _stored(examples: Examples) -> Iterator[Tensor]:
    """Yield the source's numbers in pieces, as they lie; what only gathers is taken as it is gathered."""
    if isinstance(examples, (Dense, Streamed)):
        return examples.pieces()
    return (batch.inputs for batch in in_order(examples, 1024))
