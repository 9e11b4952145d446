import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.nets.recurrent.conv_lstm import ConvLSTM, conv_lstm_step


def dense(kernels: np.ndarray, height: int, width: int) -> np.ndarray:
    """A convolution with zeros around as one matrix, (outputs places, inputs places)."""
    outputs, inputs, side, _ = kernels.shape
    matrix = np.zeros((outputs, height, width, inputs, height, width))
    for row, column, dy, dx in np.ndindex(height, width, side, side):
        y, x = row + dy - side // 2, column + dx - side // 2
        if 0 <= y < height and 0 <= x < width:
            matrix[:, row, column, :, y, x] += kernels[:, :, dy, dx]
    return matrix.reshape(outputs * height * width, inputs * height * width)


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_it_is_an_lstm_with_the_convolutions_matrices(kernel: int) -> None:
    """In NumPy, with dense matrices: x is 2 channels of 3 x 4 places, the state 2 channels."""
    layer = ConvLSTM(2, 2, kernel).double()
    torch.nn.init.normal_(layer.bias)
    clips = torch.randn(1, 5, 2, 3, 4, dtype=torch.float64)
    weight, bias = dense(layer.weight.detach().numpy(), 3, 4), np.repeat(layer.bias.detach().numpy(), 12)
    h, c = np.zeros(24), np.zeros(24)
    maps, (last_h, last_c) = layer(clips)
    for t in range(5):
        i, f, o, g = np.split(weight @ np.concatenate([clips[0, t].numpy().ravel(), h]) + bias, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        np.testing.assert_allclose(maps[0, t].detach().numpy().ravel(), h, atol=1e-12)
    np.testing.assert_allclose(last_h.detach().numpy().ravel(), h, atol=1e-12)
    np.testing.assert_allclose(last_c.detach().numpy().ravel(), c, atol=1e-12)


def test_with_kernels_and_maps_of_one_place_it_is_torchs_lstm() -> None:
    layer, peer = ConvLSTM(3, 4, 1).double(), torch.nn.LSTM(3, 4, batch_first=True).double()
    with torch.no_grad():
        i, f, o, g = layer.weight[:, :, 0, 0].chunk(4)
        gates = torch.cat([i, f, g, o])  # in torch's order
        peer.weight_ih_l0.copy_(gates[:, :3])
        peer.weight_hh_l0.copy_(gates[:, 3:])
        i, f, o, g = layer.bias.chunk(4)
        peer.bias_ih_l0.copy_(torch.cat([i, f, g, o]))
        peer.bias_hh_l0.zero_()
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    torch.testing.assert_close(layer(x[..., None, None])[0].flatten(2), peer(x)[0])


def test_step_by_step_is_at_once_and_a_later_frame_changes_nothing_before_it() -> None:
    layer, clips = ConvLSTM(1, 3).double(), torch.randn(2, 6, 1, 4, 5, dtype=torch.float64)
    maps, last = layer(clips)
    state = layer.start(2, clips)
    for t in range(6):
        before = [part.clone() for part in state]
        after = layer.step(clips[:, t], state)
        assert all(torch.equal(*pair) for pair in zip(before, state, strict=True))
        assert [part.shape for part in after] == [(2, 3, 4, 5)] * 2  # as large as ever
        torch.testing.assert_close(after[0], maps[:, t])
        state = after
        other = torch.cat([clips[:, : t + 1], 9 - clips[:, t + 1 :]], 1)
        torch.testing.assert_close(layer(other)[0][:, : t + 1], maps[:, : t + 1])
    torch.testing.assert_close(state, last)
    first, between = layer(clips[:, :4])
    torch.testing.assert_close(torch.cat([first, layer(clips[:, 4:], between)[0]], 1), maps)


def test_without_inputs_the_state_runs_on_by_itself() -> None:
    layer = ConvLSTM(0, 2).double()
    state = tuple(torch.randn(1, 2, 3, 3, dtype=torch.float64) for _ in range(2))
    maps, _ = layer(torch.zeros(1, 2, 0, 3, 3, dtype=torch.float64), state)
    h, c = conv_lstm_step(torch.zeros(1, 0, 3, 3, dtype=torch.float64), *state, layer.weight, layer.bias)
    torch.testing.assert_close(maps[:, 0], h)
    torch.testing.assert_close(maps[:, 1], layer.step(torch.zeros(1, 0, 3, 3, dtype=torch.float64), (h, c))[0])


def test_finite_differences() -> None:
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, requires_grad=True)  # noqa: E731
    inputs = (draw(1, 1, 2, 2), draw(1, 1, 2, 2), draw(1, 1, 2, 2), draw(4, 2, 3, 3), draw(4))
    assert torch.autograd.gradcheck(conv_lstm_step, inputs)


def test_weights_and_how_it_begins() -> None:
    layer = ConvLSTM(2, 3, 5)
    assert sum(p.numel() for p in layer.parameters()) == 4 * 3 * (2 + 3) * 25 + 4 * 3
    assert layer.bias.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("hidden", "kernel"), [(2, 4), (2, 0), (0, 3)])
def test_bad_sizes(hidden: int, kernel: int) -> None:
    with pytest.raises(ConfigError, match="kernel"):
        ConvLSTM(1, hidden, kernel)
