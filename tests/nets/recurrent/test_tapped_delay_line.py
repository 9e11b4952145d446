import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.nets.recurrent.encoder import stepped
from neurarium.nets.recurrent.tapped_delay_line import TappedDelayLine, widened


def test_the_line_holds_what_was_and_what_will_be() -> None:
    x = torch.tensor([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]])
    expected = [[0, 0, 1, 10, 2, 20], [1, 10, 2, 20, 3, 30], [2, 20, 3, 30, 0, 0]]
    assert TappedDelayLine(2, back=1, ahead=1)(x).tolist() == [expected]


def test_steps_say_what_the_series_says_at_once() -> None:
    line, x = TappedDelayLine(3, back=4), torch.randn(2, 9, 3)
    assert line.features == 15
    assert torch.equal(stepped(line, x), line(x))


def test_the_state_is_as_large_as_the_line_whatever_went_before() -> None:
    line = TappedDelayLine(3, back=4)
    state = line.start(2, torch.zeros(1))
    kept = state[0].clone()
    for _ in range(20):
        _, after = line.step(torch.randn(2, 3), state)
        assert state[0].shape == after[0].shape == (2, 4, 3)
        assert after[0].untyped_storage().nbytes() == 2 * 5 * 3 * 4  # the window that was read, and nothing older
        assert torch.equal(state[0], kept)  # an old state stays as it was
        state, kept = after, after[0].clone()


def test_whoever_looks_ahead_sees_zeros_behind_a_row() -> None:
    x = torch.tensor([[[1.0], [2.0], [7.0]]])
    assert widened(x, 1, 1, torch.tensor([2])).flatten().tolist() == [0, 1, 2, 0, 0]
    assert widened(x, 1, 0, torch.tensor([2])).flatten().tolist() == [0, 1, 2, 7]  # which nobody looks at
    assert TappedDelayLine(1, 0, 1)(x, torch.tensor([2]))[0, :2].tolist() == [[1, 2], [2, 0]]


def test_no_step_by_step_ahead_and_no_window_of_less_than_nothing() -> None:
    with pytest.raises(ConfigError, match="look_ahead: expected 0, to read step by step, got 1 steps ahead"):
        TappedDelayLine(1, 2, 1).start(1, torch.zeros(1))
    with pytest.raises(ConfigError, match="window"):
        TappedDelayLine(1, -1)


def test_an_affine_layer_behind_a_line_is_a_linear_filter() -> None:
    """NumPy's convolution of the same series."""
    x, taps = torch.randn(1, 12, 1, dtype=torch.float64), torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
    filtered = TappedDelayLine(1, back=2)(x) @ taps.flip(0)  # the oldest stands first
    np.testing.assert_allclose(filtered[0].numpy(), np.convolve(x.flatten().numpy(), taps.numpy())[:12])
