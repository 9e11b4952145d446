"""Clips, (batch, time, channels, height, width): what all nets that read them refuse."""

from torch import Tensor

from neurarium.checks import ShapeError

ClipShape = tuple[int, int, int, int]
"""Frames, channels, height and width of one clip."""


def check_clips(x: Tensor, shape: ClipShape, place: str) -> None:
    """Refuse what are no clips of this shape. Raises ShapeError: names the place that they come into."""
    if x.ndim != 5 or tuple(x.shape[1:]) != shape:
        raise ShapeError(
            f"input of {place}",
            expected=f"clips of shape (batch, {', '.join(map(str, shape))}): time, channels, height, width",
            got=f"a tensor of shape {tuple(x.shape)}",
        )
