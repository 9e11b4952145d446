"""The page's part on speed: what the benchmarks of answers and of training have measured."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from page import Page

from results import read_result

FAST, EXACT, PLAIN = "neurarium, prepared", "neurarium, prepared, float32", "neurarium"


def speed(page: Page) -> None:
    """Answers beside torchvision and timm, a step of learning beside the script of the tutorials."""
    page.heading("Speed")
    page.say(
        """A net that only answers can be made ready for it (`run.for_inference()`, `neurarium predict --fast`;
        `training/fast_inference.py`): batch normalization is folded into the convolution before it, (s w) * x +
        s (b - M) + beta with s = gamma / sqrt(V + eps); weights and images are laid out channels-last; rectifiers
        overwrite what was made for them alone; and convolutions compute in bfloat16 where the processor multiplies it
        faster. bfloat16 keeps 8 bits, so that a class with a small lead may lose it: given some examples, the classes
        are compared, and where one differs float32 is taken instead."""
    )
    answers, training = read_result("inference.json"), read_result("resnet_training.json")
    if answers:
        _answers(page, answers)
    else:
        page.say("Answers not measured yet: run `python benchmarks/inference.py`.")
    if training:
        _training(page, training["sides"])
    else:
        page.say("Training not measured yet: run `python benchmarks/resnet_training.py`.")


def _answers(page: Page, found: Mapping[str, Any]) -> None:
    page.say(
        f"""Time of the others divided by ours, 3 x 224 x 224, {found["threads"]} threads; equal weights, medians over
        {found["repeats"]} rounds in turns. "Tuned" is the faster of torchvision's and timm's with channels-last
        weights:"""
    )
    rows, plain = [], []
    for name, net in found["nets"].items():
        for batch, measured in net["batches"].items():
            seconds = measured["seconds"]
            comes = [side for side in seconds if side.endswith("as it comes")]
            tuned = [side for side in seconds if side.endswith("channels-last")]
            half = [side for side in seconds if side.endswith("bfloat16")]
            times = [_ratio(seconds, others, FAST) for others in (comes, tuned, half)]
            exact = [_ratio(seconds, others, EXACT) for others in (comes, tuned)]
            plain.append(1 / float(_ratio(seconds, tuned, PLAIN)))
            rows.append((name, batch, *times, *exact, f"{net['answers'][FAST]['same_top1']:.0%}"))
    page.table(
        ("net", "batch", "as they come", "tuned", "tuned, bfloat16", "float32: as they come", "float32: tuned", "same"),
        rows,
    )
    slower = f"{min(plain):.2f} to {max(plain):.2f} times"
    page.say(
        f"""Prepared with bfloat16 in the first three columns, in float32 in the next two. "Same": fraction of crops of
        photographs to which the net in bfloat16, without examples to compare, gives the class it gives in float32.
        The weights of these nets are drawn and only their output layer is fitted, so that ResNet-50's classes hardly
        differ; with examples to compare it stays in float32. Not prepared, our nets keep what goes into a rectifier
        for traces and images, and take {slower} the time of the others' tuned ones. All sides, memory and machine:
        [inference](../benchmarks/results/inference.md)."""
    )


def _ratio(seconds: Mapping[str, Sequence[float]], others: Sequence[str], ours: str) -> str:
    """The fastest of the others against ours, in the same rounds."""
    return f"{min(median(a / b for a, b in zip(seconds[o], seconds[ours], strict=True)) for o in others):.2f}"


def _training(page: Page, sides: Mapping[str, Any]) -> None:
    textbook = "textbook script"
    page.say(
        """A step of learning, ResNet-20, batch 128, 3 x 32 x 32, beside the script of the tutorials, same weights at
        the start and same order of images (accuracy after the few epochs of the benchmark, 2,000 images):"""
    )
    rows = [
        (
            side,
            f"{median(a / b for a, b in zip(sides[textbook]['seconds'], one['seconds'], strict=True)):.2f}",
            f"{1000 * median(one['seconds']):.0f}",
            f"{one['peak_mib']:.0f}",
            f"{one['accuracy']:.3f}",
        )
        for side, one in sides.items()
    ]
    page.table(("side", "times as fast", "ms a step", "peak MiB", "accuracy"), rows)
    page.say(
        """`precision = "auto"`, which the recipes of this part of the page have, takes bfloat16 on processors that
        multiply it faster. Details: [resnet_training](../benchmarks/results/resnet_training.md)."""
    )
