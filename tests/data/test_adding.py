import math

import pytest
import torch

from neurarium.data import adding
from neurarium.data.scaling import unscaled


@pytest.mark.parametrize("steps", [20, 50])
def test_targets_are_the_sums_of_the_marked_values(steps: int) -> None:
    data = adding.of_length(steps)(None)
    assert data.counts() == {"train": 10_000, "validation": 1_000, "test": 1_000}
    series = torch.cat(list(data.test.pieces("series"))).view(1_000, steps, 2)
    values, marks = series.unbind(2)
    assert set(marks.flatten().tolist()) == {0.0, 1.0}
    # one in each half
    assert torch.equal(marks[:, : steps // 2].sum(1), torch.ones(1_000))
    assert torch.equal(marks[:, steps // 2 :].sum(1), torch.ones(1_000))
    assert float(values.min()) >= 0
    assert float(values.max()) < 1
    sums = unscaled(data.test.target("sum"), data.schema.target)
    torch.testing.assert_close(sums[:, 0], (values * marks).sum(1), rtol=1e-5, atol=1e-6)


def test_always_saying_one_has_an_error_of_a_sixth() -> None:
    data = adding.of_length(20)(None)
    assert data.schema.target.mean == (1.0,)
    sums = unscaled(data.train.target("sum"), data.schema.target).double()
    # four standard errors: the square of a triangular variable has the variance 7/180
    assert float((sums - 1).square().mean()) == pytest.approx(1 / 6, abs=4 * math.sqrt(7 / 180 / 10_000))


def test_lengths_share_their_scale_and_a_seed_is_a_data_set() -> None:
    short, long = adding.of_length(20)(None), adding.of_length(100)(None)
    for one, other in zip(short.schema.fields.values(), long.schema.fields.values(), strict=True):
        assert (one.mean, one.std) == (other.mean, other.std)
    assert torch.equal(short.train.target("sum"), adding.of_length(20)(None).train.target("sum"))
    assert not torch.equal(short.train.target("sum"), short.validation.target("sum").repeat(10, 1))
