"""Read an image file as bytes of one shape: gray or red-green-blue, of one size.

Images are turned as their EXIF tag says, transparent parts are laid over white, 16-bit gray levels are
halved to 8 bits, of an animation the first frame is taken. Another size is reached by bilinear resampling,
whatever that does to the aspect ratio.
"""

import contextlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from neurarium.checks import DataError
from neurarium.data.reading import reading

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
# No others whatever the name: some decoders of Pillow start programs (PostScript).
_FORMATS = ("PNG", "JPEG", "BMP", "DIB", "GIF", "WEBP")
# What the decoders of these stumble over in a damaged file, and Pillow in damaged tags. Found by some 40,000 damaged
# files (tests/data).
_DAMAGE = (
    OSError, SyntaxError, ValueError, RuntimeError, EOFError, LookupError, TypeError, ArithmeticError, MemoryError,
    struct.error, zlib.error,
)  # fmt: skip
_GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")
_TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")
_ORIENTATION = 0x0112  # EXIF tag; from 5 on, width and height change places


def is_image_file(path: Path) -> bool:
    """Tell by the name whether `path` is an image that can be read."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def image_shape_of(path: Path) -> tuple[int, int, int]:
    """Return channels (1 or 3), height and width by the header of an image; a `DataError` where there is none."""
    with _opened(path) as image:
        width, height = image.size
        if image.getexif().get(_ORIENTATION, 1) >= 5:
            width, height = height, width
        return 1 if image.mode in _GREY else 3, height, width


def read_image(path: Path, channels: int, height: int, width: int) -> UInt8[np.ndarray, "channels height width"]:
    """Return an image as bytes: 1 channel of gray (0.299 red + 0.587 green + 0.114 blue), 3 of red, green, blue.

    Raises DataError: no such file, no image, or a damaged one.
    """
    with _opened(path) as image:
        return _pixels(image, channels, height, width)


def frame_count(path: Path) -> int:
    """Return how many frames an animation has, 1 of any other image; a `DataError` where there is none."""
    with _opened(path) as image:
        return int(getattr(image, "n_frames", 1))


def read_frames(path: Path, channels: int, height: int, width: int) -> UInt8[np.ndarray, "time channels height width"]:
    """Return all frames of an animation, as `read_image` returns the first. Raises DataError: likewise."""
    with _opened(path) as image:
        frames = []
        for number in range(int(getattr(image, "n_frames", 1))):
            image.seek(number)
            frames.append(_pixels(image, channels, height, width))
    return np.stack(frames)


def _pixels(image: "Image", channels: int, height: int, width: int) -> UInt8[np.ndarray, "channels height width"]:
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode in _TRANSPARENT or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator["Image"]:
    from PIL import Image
    from PIL.Image import DecompressionBombError

    with reading(path, "an image"):
        content = path.open("rb")
    with content:
        try:
            with Image.open(content, formats=_FORMATS) as image:
                yield image
        except (*_DAMAGE, DecompressionBombError) as error:
            got, remedy = f"a file that cannot be decoded ({type(error).__name__})", "remove it or save it again"
            raise DataError(str(path), expected="an image (png, jpg, bmp, gif)", got=got, remedy=remedy) from error
