import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.nets.parts.activation import ACTIVATIONS
from neurarium.nets.parts.residual import Residual, residual


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("maps", [1, 2])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_zero_weights_are_the_identity_to_the_bit(name: str, maps: int, dtype: torch.dtype) -> None:
    for width in (1, 3, 8, 33):
        layer = Residual(width, width, name, maps).to(dtype)
        for parameter in layer.branch.parameters():
            torch.nn.init.zeros_(parameter)
        x = 10 * torch.randn(5, width, dtype=dtype, generator=torch.Generator().manual_seed(0))
        assert torch.equal(layer(x), x)


def test_only_the_last_map_need_be_zero() -> None:
    layer, x = Residual(4, 4, "softplus", maps=3), torch.randn(2, 4)
    torch.nn.init.zeros_(layer.branch[2].weight)
    assert layer.branch[0].weight.any()
    assert torch.equal(layer(x), x)


def test_numbers_by_hand() -> None:
    # sigmoid(0) = 1/2; W x + b = (ln 3, -ln 3), of which the sigmoid makes 3/4 and 1/4
    x = torch.tensor([[2.0, 5.0]], dtype=torch.float64)
    weight = torch.tensor([[0.5, 0.0], [0.0, -0.2]], dtype=torch.float64)
    bias = torch.tensor([np.log(3) - 1, -np.log(3) + 1])
    torch.testing.assert_close(
        residual(x, [weight], [bias], torch.sigmoid), torch.tensor([[2.25, 4.75]], dtype=torch.float64)
    )


def test_projection_and_two_maps_against_numpy() -> None:
    random = np.random.default_rng(0)
    x, v = random.normal(size=(6, 5)), random.normal(size=(3, 5))
    w1, b1, w2, b2 = (random.normal(size=size) for size in ((3, 5), 3, (3, 3), 3))

    def softplus(z: np.ndarray) -> np.ndarray:
        return np.logaddexp(0, z)

    expected = x @ v.T + softplus(softplus(x @ w1.T + b1) @ w2.T + b2) - np.log(2)
    layer = Residual(5, 3, "softplus", maps=2).double()
    with torch.no_grad():
        for place, value in zip(layer.parameters(), (v, w1, b1, w2, b2), strict=True):
            place.copy_(torch.from_numpy(value))
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach(), expected, rtol=1e-12)
    np.testing.assert_allclose(layer(torch.from_numpy(x[0])).detach(), expected[0], rtol=1e-12)


def test_gradient_by_finite_differences() -> None:
    layer = Residual(3, 4, "tanh", maps=2).double()
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    names, values = zip(*layer.named_parameters(), strict=True)
    assert len(names) == 5

    def function(x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), x)

    assert torch.autograd.gradcheck(function, (x, *values))


def test_shrink_scales_the_last_map_alone() -> None:
    torch.manual_seed(0)
    whole = Residual(6, 6, maps=2)
    torch.manual_seed(0)
    small = Residual(6, 6, maps=2, shrink=0.25)
    assert torch.equal(small.branch[0].weight, whole.branch[0].weight)
    assert torch.equal(small.branch[1].weight, whole.branch[1].weight / 4)
    assert whole.projection is None


def test_bad_sizes() -> None:
    with pytest.raises(ConfigError, match=">= 1"):
        Residual(3, 0)
    with pytest.raises(ConfigError, match="tanh"):
        Residual(3, 3, "tanhh")
