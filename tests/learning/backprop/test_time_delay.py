import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.learning.backprop.time_delay import time_delay_backward, time_delay_forward


@pytest.mark.parametrize("steps", [0, 1, 3, 4, 7])
def test_finite_differences(steps: int, draw, gradcheck) -> None:
    gradcheck(lambda x: time_delay_forward(x, steps), time_delay_backward, draw(2, 4, 3))


def test_two_delays_are_one_of_the_sum(draw) -> None:
    x = draw(2, 6, 3)
    twice = time_delay_forward(time_delay_forward(x, 1)[0], 2)[0]
    assert torch.equal(twice, time_delay_forward(x, 3)[0])
    assert torch.equal(twice[:, 3:], x[:, :3])
    assert not twice[:, :3].any()


def test_no_look_ahead() -> None:
    with pytest.raises(ConfigError, match="steps"):
        time_delay_forward(torch.zeros(1, 2, 1), -1)
