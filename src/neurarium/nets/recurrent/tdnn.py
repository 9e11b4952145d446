"""Time-delay neural network: units that see a few earlier steps of the layer below, with the same weights at all times.

    h^l_t = phi(b_l + sum_(k=0..K-1) W_(l,k) h^(l-1)_(t - (K-1-a-k) d_l)),    h^0 = x

K taps that lie d steps apart, a of them ahead of t: a dilated convolution over time. Through L layers an answer sees
sum_l (K-1-a) d_l steps back and sum_l a d_l ahead; growing dilations make that long at little cost.

Source: A. Waibel, T. Hanazawa, G. Hinton, K. Shikano, K. Lang, "Phoneme recognition using time-delay neural networks",
1989, who sum the evidence of all steps (pooling "mean"); V. Peddinti, D. Povey, S. Khudanpur, "A time delay neural
network architecture for efficient modeling of long temporal contexts", 2015, for taps far apart.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.parts.activation import activation as find_activation
from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.recurrent.encoder import CausalStack, EncoderStack
from neurarium.nets.recurrent.tapped_delay_line import Windowed


class TimeDelayLayer(Windowed):
    """One layer of the net above.

    Args:
        taps: K, how many steps a unit sees.
        dilation: d, how far apart they lie.
        look_ahead: a, how many of the taps lie ahead.
    Raises ConfigError: no tap at the step itself or before it.
    """

    def __init__(
        self,
        inputs: int,
        features: int,
        taps: int = 3,
        dilation: int = 1,
        look_ahead: int = 0,
        activation: str = "relu",
    ) -> None:
        if not 0 <= look_ahead < taps or dilation < 1:
            raise ConfigError(
                "taps",
                expected="at least one tap more than lie ahead, at least one step apart",
                got=f"{taps} taps, {look_ahead} ahead, {dilation} apart",
            )
        super().__init__(inputs, features, (taps - 1 - look_ahead) * dilation, look_ahead * dilation)
        self.convolution = nn.Conv1d(inputs, features, taps, dilation=dilation)
        self.activation = find_activation(activation).module()
        initialize_layer_(self.convolution, "he", activation)

    def windows(self, x: Float[Tensor, "batch longer inputs"]) -> Float[Tensor, "batch time features"]:
        """Activations of every window."""
        return self.activation(self.convolution(x.transpose(1, 2))).transpose(1, 2)


def tdnn(
    inputs: int,
    hidden: Sequence[int],
    dilations: Sequence[int],
    taps: int = 3,
    look_ahead: int = 0,
    activation: str = "relu",
    dropout: float = 0.0,
) -> EncoderStack:
    """The net above, a layer a dilation; causal where nothing lies ahead.

    Raises ConfigError: more or fewer dilations than layers.
    """
    if len(hidden) != len(dilations) or not hidden:
        raise ConfigError("dilations", expected=f"one a layer, {len(hidden)}", got=str(len(dilations)))
    layers = [
        TimeDelayLayer(below, above, taps, dilation, look_ahead, activation)
        for below, above, dilation in zip((inputs, *hidden), hidden, dilations, strict=False)
    ]
    return EncoderStack(layers, dropout) if look_ahead else CausalStack(layers, dropout)
