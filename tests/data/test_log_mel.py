import numpy as np
import pytest
from scipy import signal

from neurarium.data.log_mel import FLOOR, LogMel, mel
from neurarium.record.schema import Field


def test_by_scipy_and_loops() -> None:
    x = np.random.default_rng(0).normal(size=4000).astype(np.float32)
    features = LogMel()
    _, _, spectra = signal.stft(x, 8000, "hann", 256, 96, boundary=None, padded=False, scaling="spectrum")
    power = abs(spectra * signal.get_window("hann", 256).sum()) ** 2  # scipy divides by the sum
    middles = [700 * (10 ** (m / 2595) - 1) for m in np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 28)]
    expected = np.zeros((power.shape[1], 26))
    for b in range(26):
        low, middle, high = middles[b : b + 3]
        for k in range(129):
            f = k * 8000 / 256
            height = (f - low) / (middle - low) if f <= middle else (high - f) / (high - middle)
            expected[:, b] += max(0.0, height) * power[k]
    expected = 10 * np.log10(expected)
    found = features(x)
    assert len(found) == 25
    inner = found[: len(expected)]
    np.testing.assert_allclose(inner - inner.max(), expected - expected.max(), atol=1e-3)


def test_loudness_of_the_whole_does_not_matter() -> None:
    x = np.random.default_rng(1).normal(size=1600)
    np.testing.assert_allclose(LogMel()(x), LogMel()(x / 50), atol=1e-3)
    assert LogMel()(x).max() == 0


def test_a_tone_is_loudest_in_its_band_and_silence_at_the_floor() -> None:
    n = np.arange(8000)
    tone = np.where(n < 4000, np.sin(2 * np.pi * 1000 * n / 8000), 0)
    found = LogMel()(tone)
    band = int(np.interp(mel(1000.0), np.linspace(0, mel(4000.0), 28), np.arange(28)).round()) - 1
    assert (found[:23].argmax(1) == band).all()
    assert (found[27:] == FLOOR).all()
    assert mel(1000.0) == pytest.approx(1000, abs=0.1)


def test_a_sound_of_any_length_has_a_frame() -> None:
    for samples, frames in ((1, 1), (160, 1), (161, 2), (8000, 50)):
        assert LogMel()(np.ones(samples)).shape == (frames, 26)


def test_a_field_knows_what_made_it() -> None:
    features = LogMel(rate=16_000, frame=512, hop=320, bands=40)
    assert LogMel.of(features.field) == features
    assert features.field.channels == 40
    assert LogMel.of(Field((None, 26), axis="time")) is None
