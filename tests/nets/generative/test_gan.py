import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.generative.gan import GAN, ScaledSigmoid, dcgan, dense_gan

ENDS = (torch.tensor([[[-0.8]]]), torch.tensor([[[2.0]]]))


def small() -> GAN:
    torch.manual_seed(0)
    return dcgan((1, 28, 28), 16, 8, ENDS)


def test_within_by_hand() -> None:
    # logistic function of +-ln 3: 3/4 and 1/4
    a = torch.tensor([3.0, 1.0, 1 / 3]).log()
    torch.testing.assert_close(ScaledSigmoid(*(end.flatten() for end in ENDS))(a), torch.tensor([1.3, 0.6, -0.1]))


def test_shapes_inside_the_convolutional_pair() -> None:
    net, z = small(), torch.randn(2, 16)
    made = [z := layer(z) for layer in net.generator]
    assert [tuple(made[k].shape[1:]) for k in (1, 4, 7)] == [(16, 7, 7), (8, 14, 14), (1, 28, 28)]
    x = made[-1]
    judged = [x := layer(x) for layer in net.discriminator]
    assert [tuple(judged[k].shape[1:]) for k in (0, 2, 5)] == [(8, 14, 14), (16, 7, 7), (1,)]


def test_pictures_lie_between_black_and_white() -> None:
    net = small()
    with torch.no_grad():
        net.generator.double2.weight.mul_(1e6)
    images = net.sample(50)
    assert images.min() == pytest.approx(-0.8)
    assert images.max() == pytest.approx(2.0)


def test_an_example_is_judged_by_itself() -> None:
    net, x = small(), torch.randn(6, 1, 28, 28)
    torch.testing.assert_close(net(x)[2:3], net(x[2:3]))


@pytest.mark.parametrize("make", [small, lambda: dense_gan((2,), 3, (8, 5))], ids=["dcgan", "dense"])
def test_samples_follow_their_seed_and_nothing_else(make) -> None:
    net = make().train()
    state = {name: value.clone() for name, value in net.state_dict().items()}
    before = torch.get_rng_state()
    first, again, other = net.sample(1003, seed=5), net.sample(1003, seed=5), net.sample(1003, seed=6)
    assert first.shape == (1003, *net.shape)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
    assert net.training
    assert not first.requires_grad
    # batch normalization's running means too
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in state.items())


def test_samples_are_what_the_generator_makes_of_the_seeds_noise() -> None:
    net = small().eval()
    z = torch.randn(4, 16, generator=torch.Generator().manual_seed(9))
    assert torch.equal(net.sample(4, seed=9), net.generator(z))
    assert torch.equal(net.sample(4, seed=9, steps=1), net.sample(4, seed=9))


def test_sizes_of_the_dense_pair() -> None:
    net = dense_gan((1, 4, 4), 3, (8, 5), ENDS)
    sizes = [[p.out_features for p in part.modules() if isinstance(p, nn.Linear)] for part in net.children()]
    assert sizes == [[8, 5, 16], [5, 8, 1]]
    assert net.sample(2).shape == (2, 1, 4, 4)
    assert net(torch.zeros(2, 1, 4, 4)).shape == (2, 1)


def test_weights_of_dcgan() -> None:
    net = dcgan((1, 28, 28), 64, 32, ENDS)
    for layer in (net.generator.linear, net.generator.double1, net.discriminator.conv2):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_bad_sizes_and_bad_input() -> None:
    with pytest.raises(ShapeError, match="multiples of 4, got 28 x 27"):
        dcgan((1, 28, 27), 4, 4, ENDS)
    with pytest.raises(ConfigError, match="latent_dim 4, width 0"):
        dcgan((1, 28, 28), 4, 0, ENDS)
    with pytest.raises(ConfigError, match="at least one unit"):
        dense_gan((2,), 4, (3, 0))
    with pytest.raises(ShapeError, match=r"discriminator: .*\(batch, 1, 28, 28\), got .*\(2, 784\)"):
        small()(torch.zeros(2, 784))
    with pytest.raises(ConfigError, match="count"):
        small().sample(0)
