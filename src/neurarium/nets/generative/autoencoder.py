"""Auto-encoder: an example through a narrow code and back.

    z = f(x)  code,    x' = g(z)  reconstruction,    f, g = argmin E |g(f(x)) - x|^2 / numbers

Code and output are linear layers. Without hidden layers the best a dense one can do is what PCA does: its code spans
the same space as the first principal components (the axes within it are free). With them the code may bend.

A denoising auto-encoder sees a damaged example and is asked for the whole one: the damage is the first layer of the net
and is done in training mode alone, so that the loss still compares with what came in.

Both nets are one chain of layers with a layer named "code": its features under a linear classifier are the net
linear-probe with the layer code.

Source: G. Hinton, R. Salakhutdinov, "Reducing the dimensionality of data with neural networks", 2006; P. Baldi,
K. Hornik, "Neural networks and principal component analysis", 1989; P. Vincent et al., "Extracting and composing robust
features with denoising autoencoders", 2008.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence

from jaxtyping import Float
from torch import Generator, Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.generative.corruption import Corruption
from neurarium.nets.interfaces import Reconstructing
from neurarium.nets.parts.activation import activation as find_activation
from neurarium.nets.parts.flat import check_shape
from neurarium.nets.parts.initial import activation_gain, initialize_, initialize_layer_
from neurarium.nets.refusals import check_quarters

KERNEL = 4  # of a halving or doubling: a multiple of the stride, so that every pixel is made by equally many


class Autoencoder(nn.Module, Reconstructing):
    """A chain from an example to its reconstruction with a linear layer "code" (batch, numbers), else ConfigError."""

    def __init__(
        self, layers: "OrderedDict[str, nn.Module]", shape: tuple[int, ...], corruption: Corruption | None = None
    ) -> None:
        super().__init__()
        code = layers.get("code")
        if not isinstance(code, nn.Linear):
            raise ConfigError("layers", expected='a linear one named "code"', got=", ".join(layers))
        self._code_size = code.out_features
        if corruption is not None:
            layers = OrderedDict([("corruption", corruption), *layers.items()])
        self.shape, self._behind_code = shape, list(layers).index("code") + 1
        self.first = next(name for name, layer in layers.items() if next(layer.parameters(), None) is not None)
        self.layers = nn.Sequential(layers)

    @property
    def code_size(self) -> int:
        """How many numbers the code holds."""
        return self._code_size

    @property
    def corruption(self) -> Corruption | None:
        """What damages the examples in training; none where they stay as they are."""
        first = self.layers[0]
        return first if isinstance(first, Corruption) else None

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch *shape"]:
        """Reconstructions of examples (batch, *shape). Raises ShapeError: examples of another shape."""
        check_shape(x, self.shape, self.first)
        return self.layers(x)

    def encode(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch code"]:
        """Codes of the examples (batch, *shape)."""
        check_shape(x, self.shape, self.first)
        return self.layers[: self._behind_code](x)

    def decode(self, code: Float[Tensor, "batch code"]) -> Float[Tensor, "batch *shape"]:
        """Examples of given codes."""
        return self.layers[self._behind_code :](code)

    def damaged(self, x: Float[Tensor, "batch *shape"], seed: int = 0) -> Float[Tensor, "batch *shape"]:
        """Damage examples as the first layer does in training; as they are where there is no such layer."""
        if self.corruption is None:
            return x
        device = self.corruption.low.device
        return self.corruption.damage(x.to(device), Generator(device).manual_seed(seed)).to(x.device)


def check_latent_dim(latent_dim: int) -> None:
    """Refuse a code without numbers. Raises ConfigError: below 1."""
    if latent_dim < 1:
        raise ConfigError("net.latent_dim", expected="an integer >= 1", got=str(latent_dim))


def dense_autoencoder(
    shape: tuple[int, ...],
    hidden: Sequence[int],
    latent_dim: int,
    activation: str = "relu",
    corruption: Corruption | None = None,
) -> Autoencoder:
    """Layers of numbers - hidden - code - hidden reversed - numbers. Raises ConfigError: a layer without units."""
    check_latent_dim(latent_dim)
    if any(units < 1 for units in hidden):
        raise ConfigError("net.hidden", expected="at least one unit in every layer", got=str(tuple(hidden)))
    numbers, phi = math.prod(shape), find_activation(activation)
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())

    def stack(sizes: Sequence[int], last: str, first_number: int) -> None:
        for k in range(1, len(sizes)):
            ends = k == len(sizes) - 1
            number = first_number + k - 1
            linear = nn.Linear(sizes[k - 1], sizes[k])
            initialize_layer_(linear, "lecun" if ends else "he", activation)
            layers[last if ends else f"linear{number}"] = linear
            if not ends:
                layers[f"{activation}{number}"] = phi.module()

    stack((numbers, *hidden, latent_dim), "code", 1)
    stack((latent_dim, *reversed(hidden), numbers), "output", len(hidden) + 1)
    layers["example"] = nn.Unflatten(1, shape)
    return Autoencoder(layers, shape, corruption)


def convolutional_autoencoder(
    shape: tuple[int, int, int],
    width: int,
    latent_dim: int,
    activation: str = "relu",
    corruption: Corruption | None = None,
) -> Autoencoder:
    """Two halvings to `width` and twice as many maps, a linear code, and the same way back.

    28 x 28 -> 14 x 14 (width) -> 7 x 7 (2 width) -> code -> 7 x 7 -> 14 x 14 -> 28 x 28.

    Raises ShapeError: sides of (channels, height, width) are no multiples of 4; ConfigError: no code, no maps.
    """
    check_latent_dim(latent_dim)
    if width < 1:
        raise ConfigError("net.width", expected="an integer >= 1", got=str(width))
    channels, height, columns = shape
    check_quarters(shape, "autoencoder")
    maps, phi = (2 * width, height // 4, columns // 4), find_activation(activation)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        [
            ("conv1", nn.Conv2d(channels, width, KERNEL, stride=2, padding=1)),
            (f"{activation}1", phi.module()),
            ("conv2", nn.Conv2d(width, 2 * width, KERNEL, stride=2, padding=1)),
            (f"{activation}2", phi.module()),
            ("flatten", nn.Flatten()),
            ("code", nn.Linear(math.prod(maps), latent_dim)),
            ("linear3", nn.Linear(latent_dim, math.prod(maps))),
            (f"{activation}3", phi.module()),
            ("maps", nn.Unflatten(1, maps)),
            ("double4", nn.ConvTranspose2d(2 * width, width, KERNEL, stride=2, padding=1)),
            (f"{activation}4", phi.module()),
            ("output", nn.ConvTranspose2d(width, channels, KERNEL, stride=2, padding=1)),
        ]
    )
    for name, layer in layers.items():
        scheme = "lecun" if name in ("code", "output") else "he"
        if isinstance(layer, nn.ConvTranspose2d):
            # (inputs, outputs, 4, 4); at stride 2 only a quarter of the kernel meets a pixel, hence twice the gain
            gain = 1.0 if scheme == "lecun" else activation_gain(activation)
            initialize_(layer.weight.transpose(0, 1), "lecun", gain=2 * gain)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            initialize_layer_(layer, scheme, activation)
    return Autoencoder(layers, shape, corruption)
