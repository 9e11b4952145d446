import numpy as np
import pytest
import torch

from neurarium.data import furniture
from neurarium.data.furniture import KINDS, PARTS, Box, Cone, chair, lamp, sampled, table

BOX = Box("top", (-1.0, 0.0, 2.0), (2.0, 1.0, 4.0))
CONE = Cone("shade", 1.0, 3.0, 2.0, 0.5)


def test_points_of_a_box_lie_on_its_faces_in_proportion_to_their_area() -> None:
    points = BOX.points(np.random.RandomState(0), 40_000)
    low, high = np.array(BOX.low), np.array(BOX.high)
    assert ((points >= low) & (points <= high)).all()
    on = np.stack([points == low, points == high])
    assert (on.sum((0, 2)) == 1).all()  # each on one face
    areas = np.array([1 * 2, 3 * 2, 3 * 1]) / 22  # of 22 = 2 (2 + 6 + 3)
    assert pytest.approx(22) == BOX.area
    np.testing.assert_allclose(on.mean(1), [areas, areas], atol=0.01)
    top = points[points[:, 2] == 4.0]
    np.testing.assert_allclose(top[:, :2].mean(0), [0.5, 0.5], atol=0.03)


@pytest.mark.parametrize("cone", [CONE, Cone("base", 0.0, 2.0, 0.5, 2.0), Cone("pole", 0.0, 3.0, 0.4, 0.4)])
def test_points_of_a_cone_lie_on_its_side_uniformly(cone: Cone) -> None:
    points = cone.points(np.random.RandomState(0), 40_000)
    fraction = (points[:, 2] - cone.low) / (cone.high - cone.low)
    radius = np.hypot(points[:, 0], points[:, 1])
    np.testing.assert_allclose(radius, cone.radius_low + fraction * (cone.radius_high - cone.radius_low), rtol=1e-9)
    np.testing.assert_allclose(points[:, :2].mean(0), 0, atol=0.05)
    # the lower half of the side has its own fraction of the area
    middle = (cone.radius_low + cone.radius_high) / 2
    half = Cone(cone.part, cone.low, (cone.low + cone.high) / 2, cone.radius_low, middle)
    assert (fraction < 0.5).mean() == pytest.approx(half.area / cone.area, abs=0.01)
    steps = np.linspace(cone.low, cone.high, 2001)
    radii = np.interp(steps, [cone.low, cone.high], [cone.radius_low, cone.radius_high])
    by_rings = (np.pi * (radii[1:] + radii[:-1]) * np.hypot(np.diff(steps), np.diff(radii))).sum()
    assert cone.area == pytest.approx(by_rings)


@pytest.mark.parametrize(
    ("kind", "parts"), [(table, {"top", "leg"}), (chair, {"seat", "back", "leg"}), (lamp, {"base", "pole", "shade"})]
)
def test_pieces_have_their_parts_on_the_ground_and_above(kind, parts) -> None:  # type: ignore[no-untyped-def]
    for seed in range(20):
        shape = kind(np.random.RandomState(seed))
        assert {piece.part for piece in shape} == parts
        points, numbers = sampled(np.random.RandomState(seed), shape, 5000)
        assert {PARTS[k] for k in numbers} == parts
        assert points[:, 2].min() >= 0
        heights = {part: points[numbers == PARTS.index(part), 2].mean() for part in parts}
        lowest = "base" if kind is lamp else "leg"
        assert min(heights, key=heights.__getitem__) == lowest
        assert set(PARTS) >= parts


def test_examples_are_centered_turned_and_of_many_sizes() -> None:
    data = furniture.load()
    assert data.counts() == {"train": 300, "validation": 50, "test": 50}
    points, lengths = data.train.gather(torch.arange(300)).inputs
    assert 100 <= int(lengths.min()) < 110
    assert 190 < int(lengths.max()) <= 200
    for k, length in enumerate(lengths.tolist()):
        assert points[k, :length].mean(0).abs().max() < 1e-6
        assert 0.5 < float((points[k, :length].amax(0) - points[k, :length].amin(0)).max()) < 2.3
    labels = data.train.gather(torch.arange(300)).labels
    assert labels.shape == points.shape[:2]
    assert ((labels >= 0).sum(1) == lengths).all()
    for k in range(len(KINDS)):  # kinds in turn
        assert len({tuple(sorted(set(row.tolist()) - {-1}))[-1] for row in labels[k::3]}) == 1
    assert data.fingerprint() == furniture.load().fingerprint()
