"""The layers of a net as words and plain values."""

from collections.abc import Sequence
from typing import Any

from neurarium.nets.seen import Sight
from neurarium.nets.summary import Summary


def receptive_field(sights: Sequence[Sight]) -> str:
    """Say how much of the input a unit sees along each axis.

    Example:
        >>> from neurarium.nets.convolutional.receptive_field import ReceptiveField
        >>> receptive_field(("all", "all")), receptive_field((ReceptiveField(size=5), "unknown"))
        ('all', '5 x unknown')
    """
    words = [sight if isinstance(sight, str) else str(sight.size) for sight in sights]
    return words[0] if len(set(words)) == 1 and words[0] in ("all", "unknown") else " x ".join(words)


def plain_rows(summary: Summary) -> list[dict[str, Any]]:
    """Return the rows of a summary as `layers.json` holds them."""
    return [
        {
            "name": row.name,
            "kind": row.kind,
            "output_shape": list(row.output),
            "parameters": row.parameters,
            "multiply_adds": row.multiply_adds,
            "receptive_field": receptive_field(row.receptive_field),
        }
        for row in summary.rows
    ]
