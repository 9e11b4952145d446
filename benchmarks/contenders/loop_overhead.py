"""neurarium's trainer and the hand-tuned loop in one process, epoch by epoch in turns, so that drift meets both.

Prints one line of JSON: seconds of every epoch of each, and whether both ended with the same weights, bit for bit.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from hand_tuned import HandTuned
from hand_tuned_mkl import HandTunedMkl
from images import load_pictures
from neurarium_trainer import NeurariumTrainer
from protocol import Contender


def seconds_of(contender: Contender) -> float:
    """Time one epoch."""
    began = time.perf_counter()
    contender.epoch()
    return time.perf_counter() - began


def main() -> None:
    """Warm both up for an epoch, then measure in turns: AB, BA, AB, ..."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("net", choices=("mlp", "lenet5"))
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    images = load_pictures(given.folder)
    ours = NeurariumTrainer(images, given.net)
    by_hand = (HandTuned if ours.matrix_products == "onednn" else HandTunedMkl)(images, given.net)
    pair: list[tuple[str, Contender]] = [("neurarium", ours), ("hand-tuned", by_hand)]
    for _, contender in pair:
        contender.epoch()
    seconds: dict[str, list[float]] = {name: [] for name, _ in pair}
    for _ in range(given.rounds):
        for name, contender in pair:
            seconds[name].append(seconds_of(contender))
        pair.reverse()
    weights = zip(ours.net.state_dict().values(), by_hand.net.state_dict().values(), strict=True)
    print(json.dumps({"seconds": seconds, "same_weights": all(torch.equal(a, b) for a, b in weights)}))


if __name__ == "__main__":
    main()
