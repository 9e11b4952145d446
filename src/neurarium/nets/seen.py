"""What the units of a tensor have seen of a net's input, and how that changes when a tensor changes shape.

Every tensor that depends on the input carries, for each axis of the input, the receptive field of its units, and a
*layout*: which of its dimensions run over positions of which input axis. The layout is what tells a linear layer over
channels, which sees nothing new, from one over flattened positions, which sees everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal, TypeAlias

from neurarium.nets.convolutional.receptive_field import ReceptiveField

Sight: TypeAlias = ReceptiveField | Literal["all", "unknown"]
Part: TypeAlias = tuple[int, frozenset[int]]
Parts: TypeAlias = tuple[Part, ...]

_NOWHERE: frozenset[int] = frozenset()


def parts_of(size: int, axes: frozenset[int] = _NOWHERE) -> Parts:
    """Layout of a dimension of `size` positions that run over the input axes `axes`."""
    return () if size == 1 else ((size, axes),)


def plain(shape: Sequence[int]) -> tuple[Parts, ...]:
    """Layout of a tensor whose dimensions run over no input axis."""
    return tuple(parts_of(n) for n in shape)


@dataclass(frozen=True)
class Seen:
    """What the units of one tensor have seen.

    Args:
        sights: for each input axis, the receptive field along it, "all" of it, or "unknown".
        layout: for each dimension of the tensor the parts that it runs over, slowest first: (positions, the input
            axes that they are positions of). A dimension of one position has no parts, a flattened one several.
    """

    sights: tuple[Sight, ...]
    layout: tuple[Parts, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return tuple(prod(n for n, _ in parts) for parts in self.layout)

    def axes(self, dims: Iterable[int]) -> frozenset[int]:
        """Input axes that the dimensions `dims` run over."""
        return _NOWHERE.union(*(axes for dim in dims for _, axes in self.layout[dim]))

    def marked(self, axes: Iterable[int], sight: Sight) -> Seen:
        """The same with `sight` along `axes`; what has seen all stays so."""
        changed = frozenset(axes)
        sights = (sight if a in changed and s != "all" else s for a, s in enumerate(self.sights))
        return replace(self, sights=tuple(sights))

    def spread(self, dims: Iterable[int]) -> Seen:
        """Every unit now sees all that lies along `dims`."""
        return self.marked(self.axes(dims), "all")

    def forgotten(self, shape: Sequence[int]) -> Seen:
        """In a tensor of `shape` of which nothing is known but what has seen all already."""
        return Seen(self.sights, plain(shape)).marked(range(len(self.sights)), "unknown")

    def laid(self, layout: Iterable[Parts]) -> Seen:
        """The same units in another layout."""
        return replace(self, layout=tuple(layout))

    def regrouped(self, shape: Sequence[int]) -> Seen:
        """The same numbers in another shape; an axis whose positions are torn apart becomes unknown."""
        if prod(shape) != prod(self.shape) or 0 in shape:
            return self.forgotten(shape)
        parts, torn = [part for dim in self.layout for part in dim], set[int]()
        layout: list[Parts] = []
        for size in shape:
            group: list[Part] = []
            while size > 1:
                count, axes = parts.pop(0)
                if size % count:
                    if count % size:
                        return self.forgotten(shape)
                    torn |= axes
                    parts.insert(0, (count // size, _NOWHERE))
                    count, axes = size, _NOWHERE
                group.append((count, axes))
                size //= count
            layout.append(tuple(group))
        return self.laid(layout).marked(torn, "unknown")

    def moved(self, dim: int, size: int, step: Callable[[ReceptiveField], Sight]) -> Seen:
        """Apply `step` to the field along the axes of `dim`, which has `size` positions afterwards.

        Several axes flattened into one dimension become unknown.
        """
        on = self.axes([dim])
        flattened = len(self.layout[dim]) > 1
        sights = tuple(
            ("unknown" if flattened else step(s)) if a in on and isinstance(s, ReceptiveField) else s
            for a, s in enumerate(self.sights)
        )
        return Seen(sights, (*self.layout[:dim], parts_of(size, on), *self.layout[dim + 1 :]))

    def shifted(self, dim: int, size: int, by: int, every: int = 1) -> Seen:
        """After positions along `dim` were cut off (by > 0) or put before (by < 0) and each `every`-th one kept."""
        return self.moved(dim, size, lambda f: replace(f, start=f.start + by * f.jump, jump=f.jump * every))


def united(seens: Sequence[Seen], shape: Sequence[int]) -> Seen:
    """What is seen after an element-by-element operation that broadcasts its operands to `shape`."""
    sights = seens[0].sights
    for seen in seens[1:]:
        sights = tuple(_both(a, b) for a, b in zip(sights, seen.sights, strict=True))
    layout: list[Parts] = []
    for back in range(len(shape), 0, -1):
        dims = [s.layout[-back] for s in seens if len(s.layout) >= back and s.layout[-back]]
        if not dims:
            layout.append(parts_of(shape[-back]))
        elif all([n for n, _ in dim] == [n for n, _ in dims[0]] for dim in dims):
            same = zip(*dims, strict=True)
            layout.append(tuple((part[0][0], _NOWHERE.union(*(axes for _, axes in part))) for part in same))
        else:
            layout.append(parts_of(shape[-back], _NOWHERE.union(*(axes for dim in dims for _, axes in dim))))
    return Seen(sights, tuple(layout))


def _both(a: Sight, b: Sight) -> Sight:
    if a == "all" or b == "all":
        return "all"
    if isinstance(a, ReceptiveField) and isinstance(b, ReceptiveField) and a.jump == b.jump:
        return a.united(b)
    return "unknown"
