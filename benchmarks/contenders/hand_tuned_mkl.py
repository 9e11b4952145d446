"""The hand-tuned loop with linear layers as torch computes them."""

from contextlib import nullcontext

from hand_tuned import HandTuned
from protocol import serve


class HandTunedMkl(HandTuned):
    """`HandTuned` without `FastLinear`."""

    faster = nullcontext()


if __name__ == "__main__":
    serve(HandTunedMkl)
