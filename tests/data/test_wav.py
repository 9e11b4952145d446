import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from scipy.signal import resample_poly

from neurarium.checks import DataError
from neurarium.data.wav import read_wav, resampled


def tone(rate: int, hertz: float = 440.0, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


def written(path: Path, rate: int, samples: np.ndarray) -> Path:
    wavfile.write(path, rate, samples)
    return path


@pytest.mark.parametrize(
    ("dtype", "scale", "shift", "error"),
    [("uint8", 127, 128, 1 / 127), ("int16", 32767, 0, 4e-5), ("int32", 2**31 - 1, 0, 1e-7)],
)
def test_every_width_as_scipy_writes_it(dtype: str, scale: int, shift: int, error: float, tmp_path: Path) -> None:
    x = tone(8000)
    path = written(tmp_path / "a.wav", 8000, np.round(x * scale + shift).astype(dtype))
    np.testing.assert_allclose(read_wav(path, 8000), x, atol=error)


def test_three_bytes_and_two_channels(tmp_path: Path) -> None:
    left, right = np.array([0, 2**22, -(2**23), 2**23 - 1]), np.array([0, 2**22, 0, 1])
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, 3, 8000, 4, "NONE", ""))
        pairs = np.stack([left, right], 1).flatten().tolist()
        file.writeframes(b"".join(struct.pack("<i", n)[:3] for n in pairs))
    np.testing.assert_allclose(read_wav(tmp_path / "a.wav", 8000), (left + right) / 2**24, atol=1e-7)


@pytest.mark.parametrize("old", [44_100, 16_000, 11_025, 8_001, 4_000])
def test_a_tone_at_another_rate_is_the_same_tone(old: int, tmp_path: Path) -> None:
    found = resampled(tone(old), old, 8000)
    expected = tone(8000)
    assert abs(len(found) - len(expected)) <= 1
    inner = slice(100, len(expected) - 100)
    np.testing.assert_allclose(found[inner], expected[inner], atol=2e-3)


def test_what_the_new_rate_cannot_hold_is_gone() -> None:
    """A tone above half the new rate would come back as another, lower one; scipy's filter takes it out too."""
    x = tone(16_000, 5000.0)
    assert abs(resampled(x, 16_000, 8000)[100:-100]).max() < 0.01
    assert abs(resample_poly(x, 1, 2)[100:-100]).max() < 0.01


def test_files_that_are_no_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with pytest.raises(DataError, match=r"expected a WAV file, got no such file"):
        read_wav(path, 8000)
    written(path, 8000, (tone(8000) * 32767).astype(np.int16))
    whole = path.read_bytes()
    for data, said in [
        (b"", "a file that breaks off"),
        (b"OggS" + bytes(60), "RIFF"),
        (whole[:-100], "a file that breaks off"),
        (whole[:40], "data chunk missing"),
        (whole[:20] + b"\x03\x00" + whole[22:], "unknown format: 3"),
    ]:
        path.write_bytes(data)
        with pytest.raises(DataError, match=said):
            read_wav(path, 8000)
    written(path, 8000, np.zeros(0, np.int16))
    with pytest.raises(DataError, match="no samples"):
        read_wav(path, 8000)
