"""From an example to what can be drawn."""

import numpy as np
from jaxtyping import Float, Shaped


def as_image(
    values: Shaped[np.ndarray, "channels height width"], ends: tuple[float, float] | None = None
) -> Float[np.ndarray, "height width *colors"]:
    """Turn an image into what can be drawn: gray (height, width) or colors (height, width, 3), from 0 to 1.

    Of channels that are neither gray nor red, green and blue, the first is shown.

    `ends`: values of black and white, what lies beyond is cut off; none: 0 and 255 of bytes, of other numbers their own
    smallest and largest.

    Example:
        >>> as_image(np.array([[[0.0, 5.0, 12.0]]]), (0.0, 10.0))
        array([[0. , 0.5, 1. ]])
    """
    if ends is None:
        ends = (0.0, 255.0) if values.dtype == np.uint8 else (float(values.min()), float(values.max()))
    low, high = ends
    shown = ((values.astype(np.float64) - low) / ((high - low) or 1.0)).clip(0, 1)
    return shown.transpose(1, 2, 0) if len(shown) == 3 else shown[0]
