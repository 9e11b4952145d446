"""Windows of a long stream of tokens, which may lie on the disk: what comes next, at every place.

inputs  t_s, ..., t_(s+L-1)      targets  t_(s+1), ..., t_(s+L)
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.batch import Batch
from neurarium.data.examples import HandedOver, agreed
from neurarium.record.schema import Schema

_CHUNK = 1 << 20


@dataclass(frozen=True, eq=False, repr=False)
class Windows(HandedOver):
    """Windows of `length` tokens and the token after each of theirs.

    Args:
        tokens: the whole stream, in memory or memory-mapped (`np.load(path, mmap_mode="r")`).
        starts: where each window begins; it ends before the stream does.
        schema: of the tokens, (length,) in some vocabulary, and of those that follow.
    """

    tokens: npt.NDArray[Any]
    starts: Int[Tensor, "examples"]
    length: int
    schema: Schema

    @classmethod
    def over(cls, tokens: npt.NDArray[Any], length: int, schema: Schema, stride: int | None = None) -> "Windows":
        """Cut a stream into windows that begin `stride` tokens apart, `length` where none is given.

        Raises DataError: a stream too short for one window, or a token outside the vocabulary.
        """
        starts = torch.arange(0, max(0, len(tokens) - length), stride or length)
        if not len(starts):
            expected = f"at least {length + 1} tokens, for one window of {length} and the token after it"
            remedy = "give a longer text, or shorter windows"
            raise DataError("stream of tokens", expected=expected, got=f"{len(tokens)}", remedy=remedy)
        size, top = len(schema.input.categories), int(tokens.max())
        if top >= size or int(tokens.min()) < 0:
            expected = f"integers from 0 to {size - 1}, one a token of the vocabulary"
            got, remedy = str(top if top >= size else int(tokens.min())), "number the tokens as the schema names them"
            raise DataError(f"field {next(iter(schema.inputs))}", expected=expected, got=got, remedy=remedy)
        return cls(tokens, starts, length, schema)

    def __len__(self) -> int:
        return len(self.starts)

    def gather(self, index: Int[Tensor, "batch"]) -> Batch:
        """Return some windows, and their tokens one place further on."""
        places = self.starts[index.cpu()][:, None] + torch.arange(self.length + 1)
        cut = torch.from_numpy(self.tokens[places.numpy()].astype(np.int64)).to(self.onto, non_blocking=True)
        targets = (cut[:, 1:],) if self.schema.targets else ()
        return Batch((cut[:, :-1],), targets, len(index), index, tuple(self.schema.fields))

    def select(self, index: Int[Tensor, "chosen"]) -> "Windows":
        """Return some of the windows as examples of their own, of the same stream."""
        return replace(self, starts=self.starts[index.cpu()])

    def with_schema(self, schema: Schema) -> "Windows":
        """Return the same windows in another vocabulary; a `DataError` where that lacks a token."""
        schema = agreed(self.schema, schema)
        old, new = self.schema.input.categories, schema.input.categories
        if old == new:
            return replace(self, schema=schema)
        numbers = {token: k for k, token in enumerate(new)}
        table = np.array([numbers.get(token, -1) for token in old])
        moved = table[self.tokens]
        if (moved < 0).any():
            remedy = "replace it in the text, or train on a text that has it"
            expected, got = f"tokens of the {len(new)} that were learned", repr(old[int(self.tokens[np.argmin(moved)])])
            raise DataError(f"field {next(iter(schema.inputs))}", expected=expected, got=got, remedy=remedy)
        return replace(self, tokens=moved, schema=schema)

    def pieces(self, name: str) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield the stream."""
        return self._stream()

    def target(self, name: str) -> Shaped[Tensor, "examples length"]:
        """The tokens that follow, of every window."""
        return self.gather(torch.arange(len(self))).targets[0]

    def chunks(self) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield the stream in pieces, and where the windows begin."""
        yield from self._stream()
        yield self.starts

    def _stream(self) -> Iterator[Int[Tensor, "_"]]:
        for start in range(0, len(self.tokens), _CHUNK):
            yield torch.from_numpy(np.array(self.tokens[start : start + _CHUNK], dtype=np.int64))
