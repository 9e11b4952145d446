"""Sound from WAV files: PCM of 8 to 32 bits, any channels and rate, as one channel at the rate that is asked for.

Channels are averaged. Another rate is reached by the sum of shifted sincs that passes through the samples, cut off at
half the lower of the two rates and, by a window, 32 of its zeros away on either side:

    y_n = sum_k x_k c w(k - n r) sinc(c (k - n r)),    r = old rate / new rate,    c = min(1, 1 / r)

Source: J. O. Smith, "Digital audio resampling", 2002.
"""

import math
import wave
from pathlib import Path

import numpy as np
from jaxtyping import Float

from neurarium.checks import DataError
from neurarium.data.reading import reading

SUFFIX = ".wav"
_ZEROS = 32
_PIECE = 1 << 13


def read_wav(path: Path, rate: int) -> Float[np.ndarray, "samples"]:
    """Samples between -1 and 1, at `rate` a second.

    Raises:
        DataError: no such file, a damaged or an empty one, or one that is no WAV file of PCM.
    """
    try:
        with reading(path, "a WAV file"), wave.open(str(path), "rb") as file:
            channels, width, old, frames = file.getparams()[:4]
            data = file.readframes(frames)
    except (wave.Error, EOFError) as error:
        remedy = "save it as WAV, 16-bit PCM"
        got = str(error) or "a file that breaks off"
        raise DataError(str(path), expected="a WAV file of PCM", got=got, remedy=remedy) from error
    if not frames or not old or len(data) != frames * channels * width:
        got = "no samples" if not frames or not old else "a file that breaks off"
        raise DataError(str(path), expected="a whole WAV file with sound", got=got, remedy="record it anew")
    return resampled(_numbers(data, width).reshape(-1, channels).mean(1), old, rate)


def resampled(x: Float[np.ndarray, "samples"], old: int, new: int) -> Float[np.ndarray, "resampled"]:
    """The same sound at another rate, as long as before to within a sample."""
    if old == new:
        return x.astype(np.float32)
    ratio, cut = old / new, min(1.0, new / old)
    reach = math.ceil(_ZEROS / cut)
    padded = np.pad(x.astype(np.float64), reach + 1)
    places, offsets = np.arange(math.ceil(len(x) / ratio)) * ratio, np.arange(-reach, reach + 2)
    parts = []
    for begin in range(0, len(places), _PIECE):
        place = places[begin : begin + _PIECE]
        first = np.floor(place).astype(np.int64)
        away = offsets - (place - first)[:, None]
        window = np.where(abs(away) <= reach, np.cos(np.pi / 2 * away / (reach + 1)) ** 2, 0)
        weights = cut * window * np.sinc(cut * away)
        parts.append((padded[np.minimum(first[:, None] + offsets + reach + 1, len(padded) - 1)] * weights).sum(1))
    return np.concatenate(parts).astype(np.float32)


def _numbers(data: bytes, width: int) -> np.ndarray:
    """Integers of so many bytes, lowest first, as fractions of the largest; those of one byte have no sign."""
    if width == 1:
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128
    if width == 3:
        bytes_ = np.frombuffer(data, np.uint8).reshape(-1, 3)
        # behind a lowest byte of 0 they are integers of four
        data, width = np.pad(bytes_, ((0, 0), (1, 0))).tobytes(), 4
    return np.frombuffer(data, f"<i{width}").astype(np.float32) / np.float32(1 << (8 * width - 1))
