"""Laws of nets that read step by step: nothing later changes what was said, and one step at a time says the same.

f(x_1 ... x_T)_t = f(x_1 ... x_t)_t                      causality
f(x_1 ... x_T)_t = step(x_t, state after x_1 ... x_(t-1))    streaming
"""

import torch
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.expect import expect
from neurarium.nets.recurrent.encoder import CausalEncoder, stepped
from neurarium.nets.recurrent.sequence_net import SequenceNet
from neurarium.symmetry.laws import Law, evaluated, relative_deviation


def causality_deviation(net: nn.Module, x: Tensor) -> float:
    """Violation by the features of each step, when the steps behind it are cut off or become others.

    Raises ConfigError: a net without an encoder that reads step by step; ShapeError: fewer than two steps.
    """
    encoder, steps = _encoder_and_steps(net, x)
    time = steps.shape[1]
    with evaluated(net):
        whole, worst = encoder(steps), 0.0  # type: ignore[operator]
        for cut in sorted({1, time // 2, time - 1}):
            other = torch.cat([steps[:, :cut], 3 - 2 * steps[:, cut:].flip(1)], 1)
            for changed in (steps[:, :cut], other):
                said = encoder(changed)[:, :cut]  # type: ignore[operator]
                worst = max(worst, relative_deviation(said, whole[:, :cut]))
    return worst


def streaming_deviation(net: nn.Module, x: Tensor) -> float:
    """Violation by the features of each step, when the steps come one by one. Raises as `causality_deviation`."""
    encoder, steps = _encoder_and_steps(net, x)
    with evaluated(net):
        return relative_deviation(stepped(encoder, steps), encoder(steps))  # type: ignore[operator]


def _encoder_and_steps(net: nn.Module, x: Tensor) -> tuple[CausalEncoder, Tensor]:
    whole = expect(net, SequenceNet, "a law of steps")
    if x.shape[1] < 2:
        raise ShapeError("x", expected="at least two steps", got=str(x.shape[1]))
    with torch.no_grad():
        return expect(whole.encoder, CausalEncoder, "a law of steps"), whole.entering(x)


CAUSALITY = Law("causality", causality_deviation, "a later step never changes what was said before it")
STREAMING = Law("streaming", streaming_deviation, "one step at a time says what the whole sequence says at once")
