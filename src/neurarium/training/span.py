"""Whether the values of the data are those that a net takes them for."""

from neurarium.data.dataset import Dataset
from neurarium.nets.spec import NetSpec

_LEAST = 0.05  # share of a span that values must fill to be taken for its own


def span_notice(spec: NetSpec, dataset: Dataset) -> str:
    """Say that the data fill a small part of the span that a net counts on: as a rule it was meant for other units.

    Args:
        spec: of the net; nothing is said of one that counts on no span.
        dataset: of which the first examples are looked at.

    Returns:
        A sentence, or nothing.
    """
    span = getattr(spec, "span", None)
    if span is None or not _counts(spec, dataset):
        return ""
    piece = next(dataset.train.pieces())
    low, high = float(piece.min()), float(piece.max())
    if high - low >= _LEAST * (span[1] - span[0]):
        return ""
    return (
        f"the values of {dataset.name} go from {low:g} to {high:g}, but the net takes {span[0]:g} for the smallest and "
        f"{span[1]:g} for the largest: give --net.span {low:g} {high:g}"
    )


def _counts(spec: NetSpec, dataset: Dataset) -> bool:
    """Whether the span has an effect: not on normal units, undamaged examples, and generators of points."""
    if getattr(spec, "visible", "bernoulli") == "gaussian" or getattr(spec, "noise", "") == "none":
        return False
    return spec.purpose != "generation" or dataset.kind == "images"
