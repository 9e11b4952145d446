"""What an ear hears of a sound: how loud it is in bands of pitch, frame by frame.

    P_t(k) = |sum_n w_n x_(t hop + n) exp(-2 pi i k n / N)|^2,    L_t(b) = 10 log10 sum_k F_b(k) P_t(k)

w is Hann's window. Band b is a triangle between its neighbors' middles, which are evenly spaced in mel(f) =
2595 log10(1 + f / 700) from 0 to half the rate. L is counted in decibels from the loudest of a recording, -80 at least,
so that it does not matter how near the microphone was.

Source: S. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition", 1980.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neurarium.record.schema import Field

ENCODER = "log-mel"
FLOOR = -80.0
"""Decibels below the loudest of which no less is told."""


@dataclass(frozen=True)
class LogMel:
    """How loudness in bands is measured: samples a second, samples of a frame and from frame to frame, bands."""

    rate: int = 8000
    frame: int = 256
    hop: int = 160
    bands: int = 26

    def __call__(self, x: Float[np.ndarray, "samples"]) -> Float[np.ndarray, "frames bands"]:
        """L of a sound at `rate`; one shorter than a frame is ended with silence, and so is the last frame.

        Example:
            >>> LogMel()(np.zeros(8000, np.float32)).shape  # a second
            (50, 26)
        """
        count = max(1, -(-len(x) // self.hop))
        padded = np.pad(x.astype(np.float64), (0, (count - 1) * self.hop + self.frame - len(x)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.frame)[:: self.hop]
        power = abs(np.fft.rfft(frames * self.window, axis=1)) ** 2
        decibels = 10 * np.log10(np.maximum(power @ self.filters.T, 1e-20))
        return np.maximum(decibels - decibels.max(), FLOOR).astype(np.float32)

    @property
    def window(self) -> Float[np.ndarray, "frame"]:
        """Hann's, periodic."""
        return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.frame) / self.frame)

    @property
    def filters(self) -> Float[np.ndarray, "bands frequencies"]:
        """F, the height of each triangle at each frequency."""
        low_middle_high = 700 * (10 ** (np.linspace(0, mel(self.rate / 2), self.bands + 2) / 2595) - 1)
        low, middle, high = (low_middle_high[k : k + self.bands, None] for k in range(3))
        f = np.fft.rfftfreq(self.frame, 1 / self.rate)
        return np.maximum(0, np.minimum((f - low) / (middle - low), (high - f) / (high - middle)))

    @property
    def field(self) -> Field:
        """Of a series of L."""
        constants = {"rate": self.rate, "frame": self.frame, "hop": self.hop, "bands": self.bands}
        names = tuple(f"band {b}" for b in range(1, self.bands + 1))
        shape = (None, self.bands)
        return Field(shape, names=names, axis="time", encoder=ENCODER, constants=constants)

    @classmethod
    def of(cls, field: Field) -> "LogMel | None":
        """What made a field's numbers; none where it was something else."""
        return cls(**{name: int(n) for name, n in field.constants.items()}) if field.encoder == ENCODER else None


def mel(f: float) -> float:
    """Pitch of a frequency in Hz: 1000 Hz is 1000 mel."""
    return 2595 * math.log10(1 + f / 700)
