import numpy as np
import pytest
import torch

from neurarium.data.scaling import Scaling, scaled, unscaled
from neurarium.record.schema import Field


def test_images_get_a_pair_for_each_channel():
    pixels = np.random.default_rng(0).integers(0, 256, (5000, 3, 4, 2)).astype(np.uint8)
    scaling = Scaling.fit(torch.from_numpy(pixels))
    assert scaling.trailing == 2
    np.testing.assert_allclose(scaling.mean, pixels.mean(axis=(0, 2, 3)), rtol=1e-13)
    np.testing.assert_allclose(scaling.std, pixels.std(axis=(0, 2, 3)), rtol=1e-13)
    standard = scaling.apply(torch.from_numpy(pixels))
    assert standard.dtype == torch.float32
    np.testing.assert_allclose(standard.double().mean(dim=(0, 2, 3)), np.zeros(3), atol=1e-6)
    np.testing.assert_allclose(standard.double().std(dim=(0, 2, 3), correction=0), np.ones(3), rtol=1e-6)


def test_rows_get_a_pair_for_each_feature_and_a_constant_one_std_1():
    table = np.random.default_rng(1).normal(3, 2, (9001, 3))
    table[:, 1] = 0.1
    scaling = Scaling.fit(torch.from_numpy(table))
    assert scaling.trailing == 0
    np.testing.assert_allclose(scaling.mean, table.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(np.array(scaling.std)[[0, 2]], table.std(axis=0)[[0, 2]], rtol=1e-12)
    assert scaling.std[1] == 1


@pytest.mark.parametrize("constant", [0.0, 1.0, 1e-9, -123456.789, 1e9 / 3])
def test_any_constant_is_told_from_a_small_spread(constant):
    same = torch.full((10000, 1), constant, dtype=torch.float64)
    assert Scaling.fit(same).std == (1.0,)
    same[0] = constant + max(abs(constant), 1.0) * 1e-6
    assert Scaling.fit(same).std[0] == pytest.approx(same.numpy().std(), rel=1e-3)


def test_a_large_offset_does_not_drown_the_spread():
    seconds = 1.7e9 + np.arange(100.0)[:, None]
    scaling = Scaling.fit(torch.from_numpy(seconds))
    expected = (np.arange(100) - 49.5) / np.sqrt((100**2 - 1) / 12)
    np.testing.assert_allclose(scaling.apply(torch.from_numpy(seconds))[:, 0], expected, rtol=1e-6)


def test_pieces_give_what_the_whole_gives():
    table = torch.randn(1000, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 7 + 100
    whole, pieces = Scaling.fit(table), Scaling.fit_chunks(torch.split(table, 33))
    np.testing.assert_allclose(pieces.mean, whole.mean, rtol=1e-13)
    np.testing.assert_allclose(pieces.std, whole.std, rtol=1e-13)


@pytest.mark.parametrize("shape", [(50,), (50, 3), (50, 3, 4), (50, 3, 4, 2)])
def test_single_numbers_rows_and_maps_are_fitted_along_their_channels(shape):
    values = np.random.default_rng(3).normal(4, 7, shape)
    scaling = Scaling.fit(torch.from_numpy(values))
    dims = (0, *range(2, values.ndim))
    np.testing.assert_allclose(scaling.mean, np.atleast_1d(values.mean(axis=dims)), rtol=1e-12)
    np.testing.assert_allclose(scaling.std, np.atleast_1d(values.std(axis=dims)), rtol=1e-12)
    standard = scaling.apply(torch.from_numpy(values)).double().numpy()
    np.testing.assert_allclose(standard.mean(axis=dims), 0, atol=1e-6)


def test_a_field_carries_its_scaling():
    scaling = Scaling((1.0, 2.0), (3.0, 4.0))
    field = scaling.field(Field((None, 2), axis="time", names=("a", "b")))
    assert Scaling.of(field) == scaling
    assert (field.names, Scaling.of(Field((2,)))) == (("a", "b"), None)
    image = Field((2, 5, 5), mean=(1.0, 2.0), std=(3.0, 4.0))
    assert Scaling.of(image) == Scaling((1.0, 2.0), (3.0, 4.0), trailing=2)
    # a padded batch of series is scaled along its features, not along time
    batch = torch.arange(12.0).view(2, 3, 2)
    expected = (batch.numpy() - [1, 2]) / [3, 4]
    np.testing.assert_allclose(scaled(batch, field), expected, rtol=1e-6)
    np.testing.assert_allclose(unscaled(scaled(batch, field), field), batch, rtol=1e-6)


def test_integers_that_stand_for_something_stay_integers():
    numbers = torch.tensor([3, 1], dtype=torch.uint8)
    assert scaled(numbers, Field((), categories=tuple("abcd"))).dtype == torch.int64
    assert scaled(numbers, Field((), points_to="nodes")).dtype == torch.int64
    assert scaled(numbers, Field(())).dtype == torch.float32
    floats = torch.ones(2)
    assert unscaled(floats, Field(())) is floats


def test_apply_leaves_its_argument_and_lets_gradients_through_after_inference():
    scaling = Scaling(mean=(1.25,), std=(4.0,))
    x = torch.tensor([[3.25]])
    with torch.inference_mode():
        assert scaling.apply(x).item() == 0.5
    assert x.item() == 3.25
    x.requires_grad_()
    scaling.apply(x).sum().backward()
    assert x.grad is not None
    assert x.grad.item() == 0.25


def test_undo_leads_back_in_the_units_of_the_source():
    table = torch.from_numpy(np.random.default_rng(2).normal(3e5, 4e4, (50, 3)))
    scaling = Scaling.fit(table)
    back = scaling.undo(scaling.apply(table))
    assert back.dtype == torch.float32
    np.testing.assert_allclose(back, table, rtol=1e-6)
    images = torch.tensor([[[[-1.0, 0.5]], [[2.0, 0.0]]]])
    np.testing.assert_array_equal(Scaling((1.0, 10.0), (2.0, 5.0), 2).undo(images), [[[[-1.0, 2.0]], [[20.0, 10.0]]]])
    assert images[0, 0, 0, 0] == -1


def test_undo_keeps_the_digits_of_64_bits():
    year = Scaling((1.7e9,), (0.25,)).undo(torch.tensor([[2.0]], dtype=torch.float64))
    assert year.item() == 1.7e9 + 0.5
