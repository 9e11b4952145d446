"""A forecast from where the series stands: a net sees and says how far values are from the last one.

    y_h = x_T + f(x_1 - x_T, ..., x_T - x_T)_h,    h = 1 ... k

A level that never was in training, as of a series that grows, is then nothing new: y follows any shift of the window.
"""

from jaxtyping import Float
from torch import Tensor, nn

from neurarium.nets.parts.padded import check_padded


class ForecastNet(nn.Module):
    """The forecast above of any net of series (batch, time, 1) that answers (batch, k) in the same units.

    Example:
        >>> import torch
        >>> from neurarium.nets.recurrent.lstm import LSTM
        >>> from neurarium.nets.recurrent.sequence_net import SequenceNet
        >>> net = ForecastNet(SequenceNet(LSTM(1, 4), 1, 3))
        >>> x = torch.randn(2, 10, 1)
        >>> torch.allclose(net(x + 5), net(x) + 5, atol=1e-5)
        True
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch ahead"]:
        """Say what follows. Raises ShapeError: other than series of one number a step."""
        check_padded(x, None, "layer net", "time", 1)
        last = x[:, -1:]
        return last[:, :, 0] + self.net(x - last)
