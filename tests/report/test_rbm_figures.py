import numpy as np
import pytest
import torch
from matplotlib.axes import Axes

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.connectionist.rbm import RBM
from neurarium.report.rbm_figures import filters_figure, reconstructions_figure, samples_figure


def shown(axes: Axes) -> np.ndarray:
    return np.ma.filled(np.ma.asarray(axes.images[0].get_array()), np.nan)


def machine(hidden: int = 6, visible: str = "bernoulli") -> RBM:
    torch.manual_seed(0)
    net = RBM(12, hidden, visible)
    with torch.no_grad():
        for p in net.parameters():
            p.normal_()
    return net


def test_filters_stand_in_the_order_of_their_length() -> None:
    net = machine()
    image = shown(filters_figure(net, (3, 4)).axes[0])
    lengths = net.weight.detach().norm(dim=1)
    longest, shortest = net.weight[lengths.argmax()], net.weight[lengths.argmin()]
    np.testing.assert_array_equal(image[:3, :4], longest.detach().reshape(3, 4))
    assert image.shape == (7, 19)  # 4 columns of 4 pixels, 2 rows of 3, gaps of 1
    np.testing.assert_array_equal(image[4:7, 5:9], shortest.detach().reshape(3, 4))
    assert np.isnan(image[3]).all()
    assert np.isnan(image[4:, 10:]).all()


def test_filters_say_how_many_are_not_shown() -> None:
    figure = filters_figure(machine(), (3, 4), most=4)
    assert figure.axes[0].get_xlabel().startswith("4 of 6 hidden units")
    low, high = figure.axes[0].images[0].get_clim()
    assert low == -high < 0


def test_reconstructions_stand_below_the_inputs() -> None:
    net = machine()
    x = torch.rand(3, 1, 3, 4)
    figure = reconstructions_figure(net, x, (3, 4))
    above, below = (shown(axes) for axes in figure.axes)
    np.testing.assert_allclose(above[:, 5:9], x[1, 0], rtol=1e-6)
    p = 1 / (1 + np.exp(-(x[1].flatten().numpy() @ net.weight.detach().numpy().T + net.hidden_bias.detach().numpy())))
    again = 1 / (1 + np.exp(-(p @ net.weight.detach().numpy() + net.visible_bias.detach().numpy())))
    np.testing.assert_allclose(below[:, 5:9], again.reshape(3, 4), rtol=1e-5)
    error = np.nanmean((above - below) ** 2)
    assert figure.axes[1].get_xlabel().endswith(f"{error:.4f}")


@pytest.mark.parametrize("visible", ["bernoulli", "gaussian"])
def test_samples_have_a_row_a_moment(visible: str) -> None:
    figure = samples_figure(machine(visible=visible), (3, 4), chains=3, moments=(1, 5))
    assert [axes.get_ylabel() for axes in figure.axes] == ["1 step", "5 steps"]
    assert shown(figure.axes[0]).shape == (3, 14)
    limits = figure.axes[0].images[0].get_clim()
    assert (limits == (0, 1)) == (visible == "bernoulli")


def test_pictures_of_another_size_are_refused() -> None:
    for draw in (filters_figure, samples_figure):
        with pytest.raises(ShapeError, match="images of 12 pixels, got 4 x 4"):
            draw(machine(), (4, 4))


def test_rows_are_the_same_chains_at_different_moments() -> None:
    net = machine()
    figure = samples_figure(net, (3, 4), chains=2, moments=(1, 7), seed=5)
    for axes, steps in zip(figure.axes, (1, 7), strict=True):
        made = net.sample(2, 5, steps)
        np.testing.assert_allclose(shown(axes)[:, 5:9], made[1].reshape(3, 4), rtol=1e-5)


def test_inputs_in_other_units_are_drawn_as_visible_units() -> None:
    torch.manual_seed(0)
    net = RBM(12, 2, factor=torch.full((12,), 0.25), shift=torch.full((12,), 0.5), shape=(1, 3, 4))
    x = torch.rand(2, 1, 3, 4) * 4 - 2
    above, _ = reconstructions_figure(net, x, (3, 4)).axes
    np.testing.assert_allclose(shown(above)[:, :4], 0.25 * x[0, 0] + 0.5, rtol=1e-6)
    for axes in samples_figure(net, (3, 4), chains=2, moments=(1,)).axes:
        assert 0 <= np.nanmin(shown(axes)) <= np.nanmax(shown(axes)) <= 1


def test_a_net_that_makes_no_examples_has_no_chains() -> None:
    with pytest.raises(ConfigError, match="of the kind DensityModel"):
        samples_figure(torch.nn.Linear(12, 2), (3, 4))
