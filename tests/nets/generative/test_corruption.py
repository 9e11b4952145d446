import math

import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.nets.generative.corruption import NOISES, Corruption, gaussian, masking, salt_and_pepper

ENDS = (torch.tensor([[-1.0], [0.0]]), torch.tensor([[3.0], [1.0]]))  # two channels
N = 20_000


def examples() -> torch.Tensor:
    return torch.full((1, 2, N), 0.4)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def near(count: float, fraction: float) -> bool:
    """Within four standard deviations of a binomial count."""
    return abs(count - N * fraction) <= 4 * math.sqrt(N * fraction * (1 - fraction))


def test_gaussian_noise_is_a_share_of_each_channels_range() -> None:
    noise = (gaussian(examples(), 0.25, ENDS, seeded()) - 0.4)[0]
    for channel, std in ((0, 1.0), (1, 0.25)):
        # standard errors of mean and standard deviation: s / sqrt(N), s / sqrt(2 N)
        assert abs(noise[channel].mean()) < 4 * std / math.sqrt(N)
        assert abs(noise[channel].std() - std) < 4 * std / math.sqrt(2 * N)
        assert near((noise[channel].abs() < std).sum().item(), math.erf(1 / math.sqrt(2)))


def test_masking_hits_its_share_with_the_smallest_value() -> None:
    for channel, low in ((0, -1.0), (1, 0.0)):
        found = masking(examples(), 0.3, ENDS, seeded())[0, channel]
        assert set(found.tolist()) == {low, examples()[0, 0, 0].item()}
        assert near((found == low).sum().item(), 0.3)


def test_salt_and_pepper_hits_half_with_each_end() -> None:
    found = salt_and_pepper(examples(), 0.3, ENDS, seeded())[0, 0]
    assert near((found == -1).sum().item(), 0.15)
    assert near((found == 3).sum().item(), 0.15)
    assert near((found == examples()[0, 0, 0]).sum().item(), 0.7)


@pytest.mark.parametrize("noise", NOISES)
def test_damages_in_training_alone_and_by_the_seed(noise: str) -> None:
    layer, x = Corruption(noise, 0.5, *ENDS), examples()
    torch.manual_seed(3)
    first = layer(x)
    second = layer(x)
    torch.manual_seed(3)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)
    assert layer.eval()(x) is x


@pytest.mark.parametrize("noise", NOISES)
def test_no_noise_at_all(noise: str) -> None:
    assert torch.equal(Corruption(noise, 0.0, *ENDS)(examples()), examples())


def test_everything_masked() -> None:
    assert torch.equal(Corruption("masking", 1.0, *ENDS)(examples()), ENDS[0].expand(1, 2, N))


@pytest.mark.parametrize("amount", [-0.1, 1.1, math.nan])
def test_an_amount_that_is_no_share(amount: float) -> None:
    with pytest.raises(ConfigError, match=r"\[0, 1\]"):
        Corruption("masking", amount, *ENDS)


def test_an_unknown_noise() -> None:
    with pytest.raises(ConfigError, match="did you mean masking"):
        Corruption("maskin", 0.1, *ENDS)


def test_the_ends_move_with_the_net() -> None:
    layer = Corruption("masking", 0.1, *ENDS).double()
    assert layer.low.dtype == torch.float64
    assert set(layer.state_dict()) == {"low", "high"}
    assert "masking, amount=0.1" in repr(layer)
