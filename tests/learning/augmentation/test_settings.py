import math
import subprocess
import sys
from typing import Any

import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.learning.augmentation import Augmentation
from neurarium.record.schema import Field, Schema, image_schema

EACH = [
    Augmentation(shift=2),
    Augmentation(flip=True),
    Augmentation(rotation=20.0),
    Augmentation(crop=0.5),
    Augmentation(noise=0.1),
    Augmentation(mixup=0.4),
    Augmentation(shift=1, flip=True, rotation=10.0, crop=0.2, noise=0.1, mixup=1.0),
]
TARGETS = torch.arange(40) % 3


def _batch(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(40, 2, 9, 7, dtype=dtype, generator=torch.Generator().manual_seed(0))


def test_every_shift_occurs_equally_often_and_the_identity_among_them() -> None:
    torch.manual_seed(0)
    x = torch.zeros(9000, 1, 5, 5)
    x[:, 0, 2, 2] = 1
    counts = Augmentation(shift=1).apply(x, torch.zeros(9000))[0][:, 0].sum(0)[1:4, 1:4]
    # 9 equally likely places, 1000 each: five standard deviations are 149
    assert (counts - 1000).abs().max() < 149
    assert counts.sum() == 9000


def test_off_is_the_identity() -> None:
    x = _batch()
    same, targets = Augmentation().apply(x, TARGETS)
    assert same is x
    assert targets is TARGETS
    assert not Augmentation().active


@pytest.mark.parametrize("augmentation", EACH)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_keeps_shape_and_type_and_changes_something(augmentation: Augmentation, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = _batch(dtype)
    before = x.clone()
    assert augmentation.active
    y, targets = augmentation.apply(x, TARGETS, classes=3)
    assert (y.shape, y.dtype, y.device) == (x.shape, x.dtype, x.device)
    assert not torch.equal(y, x)
    assert torch.equal(x, before)
    if augmentation.mixup:
        assert targets.shape == (40, 3)
        torch.testing.assert_close(targets.sum(1), torch.ones(40, dtype=dtype))
    else:
        assert targets is TARGETS


@pytest.mark.parametrize("augmentation", EACH)
def test_seed_decides_the_draws(augmentation: Augmentation) -> None:
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(augmentation.apply(_batch(), TARGETS, classes=3))
    assert all(torch.equal(a, b) for a, b in zip(drawn[0], drawn[1], strict=True))
    assert not torch.equal(drawn[0][0], drawn[2][0])


@pytest.mark.parametrize("augmentation", [a for a in EACH if not a.shift and not a.flip])
def test_identity_is_in_the_closure(augmentation: Augmentation) -> None:
    # shrunk towards nothing, what is drawn comes as close to the examples as one likes (errata E60)
    torch.manual_seed(0)
    tiny = {name: 1e-6 for name in ("rotation", "crop", "noise") if getattr(augmentation, name)}
    x = _batch(torch.float64)
    if tiny:
        torch.testing.assert_close(Augmentation(**tiny).apply(x, TARGETS)[0], x, rtol=0.0, atol=1e-4)
    else:
        many = x[:1].repeat(4000, 1, 1, 1) + torch.arange(4000)[:, None, None, None]
        y, _ = augmentation.apply(many, torch.zeros(4000))
        assert ((y - many).abs().amax((1, 2, 3)) < 0.1).any()


def test_with_an_angle_all_is_one_map_about_the_same_pixels() -> None:
    # an angle of next to nothing: the map must still move whole pixels, mirror, and repeat the border
    torch.manual_seed(3)
    x = _batch(torch.float64)
    y, _ = Augmentation(shift=2, flip=True, rotation=1e-7).apply(x, TARGETS)
    whole = torch.nn.functional.pad(x, (2, 2, 2, 2), mode="replicate")
    mirrored = torch.nn.functional.pad(x.flip(3), (2, 2, 2, 2), mode="replicate")
    found = set()
    for n in range(40):
        for flipped, image in enumerate((whole[n], mirrored[n])):
            for down in range(5):
                for right in range(5):
                    if (image[:, down : down + 9, right : right + 7] - y[n]).abs().max() < 1e-5:
                        found.add((n, flipped))
    assert {n for n, _ in found} == set(range(40))
    assert 8 < sum(flipped for _, flipped in found) < 32


def test_noise_and_mixup_of_vectors() -> None:
    torch.manual_seed(0)
    x = torch.zeros(5000, 8)
    augmentation = Augmentation(noise=0.3)
    augmentation.check(image_schema((8,)))
    assert augmentation.apply(x, torch.zeros(5000))[0].std().item() == pytest.approx(0.3, rel=0.02)
    Augmentation(mixup=0.2).check(image_schema((8,)))
    y, targets = Augmentation(mixup=1.0).apply(torch.eye(3), torch.arange(3), classes=3)
    torch.testing.assert_close(y, targets)  # inputs are the codes of the classes: mixed in the same proportions


@pytest.mark.parametrize("shape", [(12,), (3, 5)])
@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"flip": True}, "flip"),
        ({"rotation": 10.0}, "rotation"),
        ({"crop": 0.1, "noise": 1.0}, "crop"),
        ({"shift": 1}, "shift"),
    ],
)
def test_data_without_rows_and_columns(shape: tuple[int, ...], settings: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError, match=rf"augmentation\.{field}: expected noise or mixup alone") as caught:
        Augmentation(**settings).check(image_schema(shape))
    assert str(shape) in str(caught.value)
    assert f"--augmentation.{'no-flip' if field == 'flip' else f'{field} 0'}" in str(caught.value)
    Augmentation().check(image_schema(shape))


LABEL = image_schema().targets
OTHERS = {
    "two inputs": Schema({"a": Field((3,)), "b": Field((3,))}, LABEL),
    "series": Schema({"series": Field((None, 3), axis="time")}, LABEL),
    "letters": Schema({"letters": Field((5,), categories=("a", "b"))}, LABEL),
    "a class for each point": Schema({"x": Field((3,))}, {"y": Field((None,), ("a", "b"), axis="points")}),
}


@pytest.mark.parametrize("schema", OTHERS.values(), ids=list(OTHERS))
@pytest.mark.parametrize("settings", [{"noise": 0.1}, {"mixup": 0.2}, {"shift": 1, "noise": 0.1}])
def test_examples_that_are_not_one_tensor_of_numbers(schema: Schema, settings: dict[str, Any]) -> None:
    first = next(iter(settings))
    with pytest.raises(ConfigError, match=rf"augmentation\.{first}: expected none, .*--augmentation\.{first} 0"):
        Augmentation(**settings).check(schema)
    Augmentation().check(schema)


def test_several_targets_are_not_mixed() -> None:
    schema = Schema({"x": Field((3,))}, {"energy": Field((1,)), "charge": Field((1,))})
    with pytest.raises(ConfigError, match=r"augmentation\.mixup: expected none, for examples with several targets"):
        Augmentation(mixup=0.2).check(schema)
    Augmentation(noise=0.2).check(schema)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("shift", [-1]),
        ("rotation", [-1.0, 181.0, math.nan]),
        ("crop", [-0.1, 1.0, math.nan]),
        ("noise", [-0.1, math.inf, math.nan]),
        ("mixup", [-0.1, math.inf, math.nan]),
    ],
)
def test_ranges(field: str, values: list[float]) -> None:
    for value in values:
        with pytest.raises(ConfigError, match=rf"augmentation\.{field}: expected .*, got {value}"):
            Augmentation(**{field: value})


def test_shift_by_more_than_the_image() -> None:
    with pytest.raises(ConfigError, match=r"augmentation\.shift: expected less than 8"):
        Augmentation(shift=8).check(image_schema((1, 8, 9)))


def test_settings_need_no_torch() -> None:
    code = (
        "import sys; from neurarium.learning.augmentation import Augmentation;"
        "from neurarium.record.schema import image_schema;"
        "Augmentation(rotation=3).check(image_schema((1, 4, 4))); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
