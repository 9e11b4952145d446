import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch
from torch import Generator, Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.parts.activation import ACTIVATIONS
from neurarium.nets.parts.initial import SCHEMES, activation_gain, fans, initialize_, initialize_layer_

FAN_IN, FAN_OUT = 600, 900
THEORY = {
    "normal": 0.01**2,
    "uniform": (2 / math.sqrt(FAN_IN)) ** 2 / 12,
    "lecun": 1 / FAN_IN,
    "xavier": 2 / (FAN_IN + FAN_OUT),
    "lecun-uniform": 1 / FAN_IN,
    "xavier-normal": 2 / (FAN_IN + FAN_OUT),
    "he": 2 / FAN_IN,
    "he-uniform": 2 / FAN_IN,
    "orthogonal": 2 / FAN_OUT,
}


def _seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


@pytest.mark.parametrize("name", SCHEMES)
def test_mean_and_variance(name: str) -> None:
    weight = initialize_(torch.empty(FAN_OUT, FAN_IN), name, generator=_seeded())
    # 540,000 draws: the standard error of the mean is 0.0014 std, of the variance at most 0.2 %.
    assert abs(weight.mean().item()) < 0.006 * math.sqrt(THEORY[name])
    assert weight.var().item() == pytest.approx(THEORY[name], rel=0.01)


@pytest.mark.parametrize("name", SCHEMES)
def test_distribution(name: str) -> None:
    weight = initialize_(torch.empty(60, 50), name, generator=_seeded(1))
    std = weight.std().item()
    limit = math.sqrt(3) * std
    uniform = name in ("uniform", "xavier", "lecun-uniform", "he-uniform")
    shape = scipy.stats.uniform(-limit, 2 * limit) if uniform else scipy.stats.norm(scale=std)
    # The other of the two shapes is off by 0.057; the standard error is about 0.02.
    assert scipy.stats.kstest(weight.flatten().numpy(), shape.cdf).statistic < 0.03


@pytest.mark.parametrize("name", SCHEMES)
def test_gain_scales_and_generator_decides(name: str) -> None:
    plain = initialize_(torch.empty(8, 5), name, gain=1.0, generator=_seeded())
    torch.testing.assert_close(initialize_(torch.empty(8, 5), name, gain=3.0, generator=_seeded()), 3 * plain)
    assert not torch.equal(initialize_(torch.empty(8, 5), name, gain=1.0, generator=_seeded(1)), plain)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    initialize_(torch.empty(8, 5), name, generator=_seeded())
    assert torch.equal(torch.get_rng_state(), before)


def test_convolution_counts_the_receptive_field() -> None:
    assert fans((16, 6, 5, 3)) == (6 * 5 * 3, 16 * 5 * 3)
    weight = initialize_(torch.empty(200, 100, 5, 5), "he", generator=_seeded())
    assert weight.var().item() == pytest.approx(2 / 2500, rel=0.01)


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (40, 40), (8, 3, 2, 2)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    weight = torch.empty(shape, dtype=torch.float64)
    initialize_(weight, "orthogonal", gain=1.5, generator=_seeded())
    singular = torch.linalg.svdvals(weight.flatten(1))
    torch.testing.assert_close(singular, torch.full_like(singular, 1.5))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gain_by_adaptive_quadrature(name: str) -> None:
    def integrand(z: float) -> float:
        value = ACTIVATIONS[name].function(torch.tensor([z], dtype=torch.float64)).item()
        return value**2 * scipy.stats.norm.pdf(z)

    square = sum(scipy.integrate.quad(integrand, *ends, epsabs=1e-9)[0] for ends in ((-9, 0), (0, 9)))
    assert activation_gain(name) == pytest.approx(1 / math.sqrt(square), rel=1e-3 if name == "step" else 1e-6)


def test_gain_in_closed_form() -> None:
    assert activation_gain("identity") == pytest.approx(1, abs=1e-6)
    assert activation_gain("relu") == pytest.approx(math.sqrt(2), abs=1e-6)
    assert activation_gain("leaky_relu") == pytest.approx(math.sqrt(2 / (1 + 0.01**2)), abs=1e-6)
    assert activation_gain("sign") == pytest.approx(1, abs=1e-6)


def _mean_squares(
    scheme: str, activation: str, width: int, draws: int, depth: int = 50, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Mean square of the net inputs after `depth` layers over that at the first, for several nets."""
    generator = _seeded()
    x = torch.randn(draws, width, 8, generator=generator, dtype=dtype)
    first = torch.zeros(draws)
    for layer in range(depth + 1):
        weights = torch.stack(
            [
                initialize_(torch.empty(width, width), scheme, activation=activation, generator=generator)
                for _ in range(draws)
            ]
        )
        z = weights.to(dtype) @ x
        if layer == 0:
            first = z.square().mean((1, 2))
        x = ACTIVATIONS[activation].function(z)
    return z.square().mean((1, 2)) / first


@pytest.mark.parametrize(("scheme", "activation"), [("he", "relu"), ("xavier", "identity"), ("lecun", "identity")])
def test_mean_square_is_kept_through_fifty_layers(scheme: str, activation: str) -> None:
    """One net's ratio is nearly log-normal, variance about 5 depth / width = 1; over 40 nets: error 0.2."""
    ratios = _mean_squares(scheme, activation, width=256, draws=40)
    assert 0.5 < ratios.mean().item() < 2


# Hermite nodes integrate against exp(-x^2); the trapezoidal rule of the source is another way altogether.
NODES, WEIGHTS = np.polynomial.hermite.hermgauss(200)
PHI = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "tanh": np.tanh,
    "sign": np.sign,
}
# n Var(w) of a square layer of n units; the gains of he and orthogonal make up for the activation.
WIDTH, DEPTH, DRAWS = 128, 50, 8
PER_LAYER = {
    "normal": WIDTH * 0.01**2,
    "uniform": 1 / 3,
    "lecun": 1.0,
    "lecun-uniform": 1.0,
    "xavier": 1.0,
    "xavier-normal": 1.0,
    "he": None,
    "he-uniform": None,
    "orthogonal": None,
}


def _expectation(activation: str, q: float, power: int = 2) -> float:
    """E[|phi(z)|^power], z ~ N(0, q)."""
    values = PHI[activation](math.sqrt(2 * q) * NODES)
    return float(WEIGHTS @ np.abs(values) ** power / math.sqrt(math.pi))


@pytest.mark.more
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("activation", PHI)
def test_law_through_fifty_layers(scheme: str, activation: str) -> None:
    """q(l+1) = n Var(w) E[phi(z)^2], z ~ N(0, q(l)), fifty times over, from q(0) = n Var(w).

    In a net of width n the logarithm of a layer's mean square has about its law the variance k/n and the mean -k/2n,
    k = E[phi^4]/E[phi^2]^2 - 1. Rectifiers and linear units hand both on undiminished, others and orthogonal weights
    less; the first and the last net inputs add 2/n each. Four standard errors over the draws are 2.0 for ReLU and 1.3
    for linear units: the factor of a layer is known to 4 %, or 6 % downwards.
    """
    factor = PER_LAYER[scheme] or 1 / _expectation(activation, 1.0)
    q = factor
    for _ in range(DEPTH):
        q = factor * _expectation(activation, q)
    kurtosis = _expectation(activation, 1.0, 4) / _expectation(activation, 1.0) ** 2 - 1
    spread = DEPTH * kurtosis / WIDTH
    tolerance = 4 * math.sqrt((spread + 4 / WIDTH) / DRAWS)
    ratios = _mean_squares(scheme, activation, width=WIDTH, draws=DRAWS, dtype=torch.float64)
    distance = ratios.log().mean().item() - math.log(q / factor)
    assert -spread / 2 - tolerance < distance < tolerance


def test_orthogonal_linear_net_keeps_it_exactly() -> None:
    ratios = _mean_squares("orthogonal", "identity", width=32, draws=2)
    torch.testing.assert_close(ratios, torch.ones(2), rtol=1e-4, atol=0)


def test_without_the_gain_relu_halves_it_every_layer() -> None:
    ratios = _mean_squares("lecun", "relu", width=256, draws=4)
    assert -60 < ratios.mean().log2().item() < -40


def test_he_keeps_the_mean_not_the_typical_value() -> None:
    """Narrow and deep: depth / width = 1.6; the typical net shrinks, though the mean over draws does not."""
    logarithms = _mean_squares("he", "relu", width=32, draws=100).log()
    assert logarithms.median().item() < -2
    assert logarithms.std().item() > 1


@pytest.mark.parametrize("layer", [nn.Linear(4, 3), nn.Conv2d(2, 3, 3), nn.Linear(4, 3, bias=False)])
def test_layer_gets_weight_and_zero_bias(layer: nn.Linear | nn.Conv2d) -> None:
    initialize_layer_(layer, "xavier", generator=_seeded())
    expected = initialize_(torch.empty_like(layer.weight), "xavier", generator=_seeded())
    assert torch.equal(layer.weight, expected)
    assert layer.bias is None or layer.bias.count_nonzero() == 0
    assert layer.weight.requires_grad


def test_mistakes() -> None:
    with pytest.raises(ConfigError, match="did you mean xavier"):
        initialize_(torch.empty(2, 2), "xavie")
    with pytest.raises(ConfigError, match="activation"):
        initialize_(torch.empty(2, 2), "he", activation="rello")
    with pytest.raises(ShapeError):
        fans((3,))
