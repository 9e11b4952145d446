from collections import OrderedDict

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch import nn
from torch.nn import functional as F

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.generative.autoencoder import Autoencoder, convolutional_autoencoder, dense_autoencoder
from neurarium.nets.generative.corruption import Corruption
from neurarium.nets.parts.features import truncate

CODE = 6


@pytest.fixture(scope="module")
def digits() -> torch.Tensor:
    return torch.from_numpy(load_digits().data).double() / 16


def psnr(outputs: torch.Tensor, originals: torch.Tensor) -> float:
    """In decibels, for values from 0 to 1."""
    return float(-10 * (outputs - originals).double().square().mean().log10())


def least_loss(net: nn.Module, x: torch.Tensor, steps: int) -> float:
    optimizer = torch.optim.LBFGS(
        net.parameters(), max_iter=steps, max_eval=2 * steps, history_size=20, line_search_fn="strong_wolfe",
        tolerance_grad=0, tolerance_change=0,
    )  # fmt: skip

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.mse_loss(net(x), x)
        value.backward()
        return value

    optimizer.step(loss)
    return loss().item()


def learn(net: nn.Module, x: torch.Tensor, steps: int) -> None:
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        batch = x[torch.randint(len(x), (128,))]
        optimizer.zero_grad()
        F.mse_loss(net(batch), batch).backward()
        optimizer.step()
        schedule.step()


def test_a_linear_one_reaches_the_error_of_pca(digits: torch.Tensor) -> None:
    # closed form: all that the singular values beyond the code's hold of the centered data
    values = torch.linalg.svdvals(digits - digits.mean(0))
    expected = float(values[CODE:].square().sum() / digits.numel())
    fitted = PCA(CODE).fit(digits.numpy())
    peer = torch.from_numpy(fitted.inverse_transform(fitted.transform(digits.numpy())))
    assert float((peer - digits).square().mean()) == pytest.approx(expected, rel=1e-9)
    torch.manual_seed(0)
    net = dense_autoencoder((64,), (), CODE).double()
    found = least_loss(net, digits, 400)
    assert expected * (1 - 1e-9) <= found < 1.005 * expected
    # and the decoder's columns span the space of the components
    basis = torch.linalg.qr(net.layers.output.weight.detach()).Q
    components = torch.from_numpy(fitted.components_)
    assert torch.linalg.svdvals(components @ basis).min() > 0.99


def test_a_code_that_may_bend_beats_pca_on_digits_not_seen(digits: torch.Tensor) -> None:
    shuffled = digits[torch.randperm(len(digits), generator=torch.Generator().manual_seed(0))].float()
    seen, unseen = shuffled[:1400], shuffled[1400:]
    torch.manual_seed(0)
    net = dense_autoencoder((64,), (128, 64), CODE)
    learn(net, seen, 400)
    fitted = PCA(CODE).fit(seen.numpy())
    peer = torch.from_numpy(fitted.inverse_transform(fitted.transform(unseen.numpy())))
    # half a decibel: 11 % less squared error
    assert psnr(net(unseen).detach(), unseen) > psnr(peer, unseen) + 0.5


def test_layers_of_the_dense_one() -> None:
    net = dense_autoencoder((1, 4, 4), (10, 8), 3, "tanh")
    widths = [(n, p.out_features) for n, p in net.layers.named_children() if isinstance(p, nn.Linear)]
    assert widths == [("linear1", 10), ("linear2", 8), ("code", 3), ("linear3", 8), ("linear4", 10), ("output", 16)]
    assert sum(isinstance(layer, nn.Tanh) for layer in net.layers) == 4


@pytest.mark.parametrize("make", [lambda: dense_autoencoder((1, 8, 12), (20,), 5), lambda: convolutional(2)])
def test_code_and_back_is_the_net(make) -> None:
    net = make().eval()
    x = torch.randn(3, *net.shape)
    code = net.encode(x)
    assert code.shape == (3, 5)
    assert torch.equal(net.decode(code), net(x))
    trunk, width = truncate(net, "code", net.shape)
    assert width == 5
    assert torch.equal(trunk.eval()(x), code)


def convolutional(channels: int = 1, width: int = 4, corruption: Corruption | None = None) -> Autoencoder:
    return convolutional_autoencoder((channels, 8, 12), width, 5, corruption=corruption)


def test_shapes_inside_the_convolutional_one() -> None:
    net = convolutional_autoencoder((1, 28, 28), 16, 32)
    x, seen = torch.zeros(2, 1, 28, 28), []
    for layer in net.layers:
        x = layer(x)
        seen.append(tuple(x.shape[1:]))
    assert [seen[k] for k in (0, 2, 5, 8, 9, 11)] == [
        (16, 14, 14), (32, 7, 7), (32,), (32, 7, 7), (16, 14, 14), (1, 28, 28)
    ]  # fmt: skip


def test_doublings_keep_the_size_of_the_signal() -> None:
    torch.manual_seed(0)
    net = convolutional_autoencoder((1, 32, 32), 64, 8)
    x = torch.relu(torch.randn(8, 128, 8, 8))
    y = net.layers.double4(x)[:, :, 2:-2, 2:-2]
    # He: the mean square of a net input is twice that of the rectified signal's half
    assert y.square().mean().item() == pytest.approx(2 * x.square().mean().item(), rel=0.1)


def test_damage_is_done_in_training_alone() -> None:
    net = dense_autoencoder((9,), (), 4, corruption=Corruption("masking", 1.0, torch.tensor(-2.0), torch.tensor(2.0)))
    x = torch.randn(5, 9)
    black = torch.full((5, 9), -2.0)
    whole = dense_autoencoder((9,), (), 4)
    whole.load_state_dict({k: v for k, v in net.state_dict().items() if "corruption" not in k})
    assert torch.equal(net(x), whole(black))
    assert torch.equal(net.eval()(x), whole(x))


@pytest.mark.parametrize("make", [lambda **k: dense_autoencoder((9,), (7,), 4, **k), lambda **k: convolutional(**k)])
def test_damage_by_seed_is_that_of_the_first_layer(make) -> None:
    net = make(corruption=Corruption("gaussian", 0.5, torch.tensor(-2.0), torch.tensor(2.0))).eval()
    x = torch.zeros(50, *net.shape)
    before = torch.get_rng_state()
    first, again, other = net.damaged(x), net.damaged(x, 0), net.damaged(x, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    # half of a range of 4
    assert first.std().item() == pytest.approx(2.0, rel=0.1)
    assert torch.equal(first, 2 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(make().damaged(x), x)


def test_the_size_of_the_code() -> None:
    assert (dense_autoencoder((9,), (7,), 4).code_size, convolutional().code_size) == (4, 5)


def test_denoising_gains_on_the_damaged_pictures(digits: torch.Tensor) -> None:
    seen, unseen = digits[:1400].float(), digits[1400:].float()
    torch.manual_seed(0)
    noise = Corruption("gaussian", 0.3, torch.tensor(0.0), torch.tensor(1.0))
    net = dense_autoencoder((64,), (128,), 32, corruption=noise)
    learn(net, seen, 400)
    damaged = noise(unseen)
    denoised = net.eval()(damaged).detach()
    # noise of a standard deviation of 0.3: 10 log10(1 / 0.09) = 10.46
    assert psnr(damaged, unseen) == pytest.approx(10.46, abs=0.15)
    assert psnr(denoised, unseen) > 14.5


def test_bad_sizes_and_bad_input() -> None:
    with pytest.raises(ConfigError, match=r"net.latent_dim: expected an integer >= 1, got 0"):
        dense_autoencoder((4,), (), 0)
    with pytest.raises(ConfigError, match=r"net.latent_dim"):
        convolutional_autoencoder((1, 8, 8), 4, -1)
    with pytest.raises(ConfigError, match=r"net.hidden"):
        dense_autoencoder((4,), (3, 0), 2)
    with pytest.raises(ConfigError, match=r"net.width"):
        convolutional(1, 0)
    with pytest.raises(ShapeError, match="multiples of 4, got 30 x 28"):
        convolutional_autoencoder((1, 30, 28), 4, 2)
    with pytest.raises(ShapeError, match=r"layer conv1: .*\(batch, 1, 8, 12\), got .*\(3, 1, 8, 8\)"):
        convolutional(1)(torch.zeros(3, 1, 8, 8))
    with pytest.raises(ShapeError, match="layer linear1"):
        dense_autoencoder((4,), (3,), 2).encode(torch.zeros(3, 5))
    with pytest.raises(ConfigError, match="code"):
        Autoencoder(OrderedDict(flatten=nn.Flatten()), (4,))
    with pytest.raises(ConfigError, match='a linear one named "code"'):
        Autoencoder(OrderedDict(code=nn.Tanh()), (4,))
