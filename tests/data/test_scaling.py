import json

import numpy as np
import pytest
import torch

from neurarium.data.scaling import Scaling


def test_images_get_a_pair_for_each_channel():
    pixels = np.random.default_rng(0).integers(0, 256, (5000, 3, 4, 2)).astype(np.uint8)
    scaling = Scaling.fit(torch.from_numpy(pixels), "images")
    np.testing.assert_allclose(scaling.mean, pixels.mean(axis=(0, 2, 3)), rtol=1e-13)
    np.testing.assert_allclose(scaling.std, pixels.std(axis=(0, 2, 3)), rtol=1e-13)
    scaled = scaling.apply(torch.from_numpy(pixels))
    assert scaled.dtype == torch.float32
    np.testing.assert_allclose(scaled.double().mean(dim=(0, 2, 3)), np.zeros(3), atol=1e-6)
    np.testing.assert_allclose(scaled.double().std(dim=(0, 2, 3), correction=0), np.ones(3), rtol=1e-6)


def test_vectors_get_a_pair_for_each_feature_and_a_constant_one_std_1():
    table = np.random.default_rng(1).normal(3, 2, (9001, 3))
    table[:, 1] = 0.1
    scaling = Scaling.fit(torch.from_numpy(table), "vectors")
    np.testing.assert_allclose(scaling.mean, table.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(np.array(scaling.std)[[0, 2]], table.std(axis=0)[[0, 2]], rtol=1e-12)
    assert scaling.std[1] == 1


@pytest.mark.parametrize("constant", [0.0, 1.0, 1e-9, -123456.789, 1e9 / 3])
def test_any_constant_is_told_from_a_small_spread(constant):
    same = torch.full((10000, 1), constant, dtype=torch.float64)
    assert Scaling.fit(same, "vectors").std == (1.0,)
    same[0] = constant + max(abs(constant), 1.0) * 1e-6
    assert Scaling.fit(same, "vectors").std[0] == pytest.approx(same.numpy().std(), rel=1e-3)


def test_a_large_offset_does_not_drown_the_spread():
    seconds = 1.7e9 + np.arange(100.0)[:, None]
    scaling = Scaling.fit(torch.from_numpy(seconds), "vectors")
    expected = (np.arange(100) - 49.5) / np.sqrt((100**2 - 1) / 12)
    np.testing.assert_allclose(scaling.apply(torch.from_numpy(seconds))[:, 0], expected, rtol=1e-6)


def test_pieces_give_what_the_whole_gives():
    table = torch.randn(1000, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 7 + 100
    whole, pieces = Scaling.fit(table, "vectors"), Scaling.fit_chunks(torch.split(table, 33), "vectors")
    np.testing.assert_allclose(pieces.mean, whole.mean, rtol=1e-13)
    np.testing.assert_allclose(pieces.std, whole.std, rtol=1e-13)


def test_json_round_trip():
    scaling = Scaling(mean=(0.1, 2.0), std=(1 / 3, 4.0))
    assert Scaling.from_dict(json.loads(json.dumps(scaling.to_dict()))) == scaling


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
    scaling = Scaling.fit(table, "vectors")
    back = scaling.undo(scaling.apply(table))
    assert back.dtype == torch.float32
    np.testing.assert_allclose(back, table, rtol=1e-6)
    images = torch.tensor([[[[-1.0, 0.5]], [[2.0, 0.0]]]])
    np.testing.assert_array_equal(Scaling((1.0, 10.0), (2.0, 5.0)).undo(images), [[[[-1.0, 2.0]], [[20.0, 10.0]]]])
    assert images[0, 0, 0, 0] == -1


def test_undo_keeps_the_digits_of_64_bits():
    year = Scaling((1.7e9,), (0.25,)).undo(torch.tensor([[2.0]], dtype=torch.float64))
    assert year.item() == 1.7e9 + 0.5
