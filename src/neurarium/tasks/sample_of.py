"""Inputs of many examples at once, for baselines and judges that look at all of them."""

import torch
from torch import Tensor

from neurarium.data.examples import Examples

_MOST = 20_000  # examples by which a baseline is found
_SEED = 0


def drawn_inputs(examples: Examples, limit: bool | int = False) -> Tensor:
    """The first input of all examples, as the net sees them, on the CPU.

    With `limit` at most so many (20,000 for True), drawn as they may be sorted by class, the same way every time.
    """
    index = torch.arange(len(examples))
    most = _MOST if limit is True else int(limit) or len(examples)
    if most < len(examples):
        index = torch.randperm(len(examples), generator=torch.Generator().manual_seed(_SEED))[:most]
    return examples.gather(index.to(examples.device)).x.cpu()
