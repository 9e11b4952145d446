"""How fast large convolutional nets answer, beside torchvision's and timm's: ResNet-50, VGG-16, DenseNet-121.

    python benchmarks/inference.py            batches of 1 and 16; writes benchmarks/results/inference.json and .md
    python benchmarks/inference.py --quick    ResNet-50, batch 1, one round, few images, write nothing

All sides have the same weights, copied by neurarium's converter, and are given the same float32 images in the usual
layout; what they convert counts as their time. The weights are drawn, their batch normalizations have the statistics of
real images, and the output layer is fitted by least squares to say which place of which image an image was cut
from, give or take some pixels, so that there are classes to be right or wrong about. Images that are asked about lie
between those that it was fitted to.
"""

import argparse
import ctypes
import json
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from machine import describe_machine, measured_on, warn_if_busy
from neurarium.nets.catalog import named_specs
from neurarium.nets.convolutional.converter import to_torchvision
from neurarium.nets.convolutional.stages import StagedNet
from neurarium.nets.parts.normalization.batch import BatchNorm
from neurarium.record.schema import image_schema
from neurarium.training.device import find_device, keep_freed_memory
from neurarium.training.fast_inference import prepared_for_inference
from table import publish

PREPARED, EXACT, PLAIN = "neurarium, prepared", "neurarium, prepared, float32", "neurarium"
SIDES = (
    PREPARED,
    EXACT,
    PLAIN,
    "torchvision as it comes",
    "torchvision, channels-last",
    "torchvision, channels-last, bfloat16",
    "timm as it comes",
    "timm, channels-last",
)
NETS = ("resnet50", "vgg16", "densenet121")
SIDE, PLACES = 224, 16
FITTED, ASKED = (0, 4, 8, 12), 6  # how far the places are moved, pixels
NEEDED = ("torchvision", "timm", "sklearn", "matplotlib")
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure, print, write; 2 where something is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="ResNet-50, batch 1, one round, write nothing")
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    parser.add_argument("--repeats", type=int, default=9, help="rounds, after one to warm up")
    parser.add_argument("--nets", nargs="+", choices=NETS, help="which; none: all, or ResNet-50 if quick")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--peak", nargs=3, metavar=("NET", "SIDE", "BATCH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        print(f"error: not installed: {', '.join(missing)}; make .venv/.bench installs them", file=sys.stderr)
        return 2
    if given.peak:
        print(json.dumps(peak(given.peak[0], given.peak[1], int(given.peak[2]))))
        return 0
    warn_if_busy()
    keep_freed_memory()
    batches, repeats, places = ((1,), 1, 4) if given.quick else ((1, 16), given.repeats, PLACES)
    results: dict[str, Any] = {"machine": describe_machine(), "threads": given.threads, "repeats": repeats, "nets": {}}
    for name in given.nets or (NETS[:1] if given.quick else NETS):
        print(f"{name}: weights", file=sys.stderr)
        results["nets"][name] = compare(name, batches, repeats, places, given.threads)
    publish("inference", results, markdown(results), None if given.quick else given.out)
    return 0


def compare(name: str, batches: tuple[int, ...], repeats: int, places: int, threads: int) -> dict[str, Any]:
    """Let every side answer the same images in turns; then what they say about real images."""
    learned, seen = torch.cat([crops(places, shift) for shift in FITTED]), crops(places, ASKED)
    net = fitted(name, learned)
    sides = {side: answering(name, side, net) for side in SIDES}
    found: dict[str, Any] = {
        "choice": prepared_for_inference(net, find_device("cpu")).choice.in_words(),
        "answers": answers(sides, seen),
        "batches": {},
    }
    for batch in batches:
        images = seen[torch.arange(batch) % len(seen)].contiguous()
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        for turn in range(repeats + 1):
            # another begins in every round, so that none always follows the same one
            for side in SIDES[turn % len(SIDES) :] + SIDES[: turn % len(SIDES)]:
                began = time.perf_counter()
                sides[side](images)
                seconds[side].append(time.perf_counter() - began)
            print(f"{name}, batch {batch}: round {turn} of {repeats}", file=sys.stderr)
        memory = {side: peak_in_fresh_process(name, side, batch, threads) for side in sides}
        found["batches"][batch] = {"seconds": {s: times[1:] for s, times in seconds.items()}, "peak_mib": memory}
    return found


def answering(name: str, side: str, net: StagedNet) -> Callable[[Tensor], Tensor]:
    """One side: from float32 images in the usual layout to float32 logits."""
    device_config = find_device("cpu")
    if side in (PREPARED, EXACT):
        return prepared_for_inference(net, device_config, "float32" if side == EXACT else "auto")
    if side == PLAIN:
        own = named_specs()[name].build(image_schema((3, SIDE, SIDE), net.output.out_features))
        own.load_state_dict(net.state_dict())
        device_config.place(own).eval()
        return lambda x: _computing(own, x, device_config.autocast)
    peer = (torchvision_net if side.startswith("torchvision") else timm_net)(name, net).eval()
    if side.endswith("as it comes"):
        return torch.inference_mode()(peer)
    dtype = torch.bfloat16 if side.endswith("bfloat16") else torch.float32
    peer = peer.to(dtype=dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def tuned(x: Tensor) -> Tensor:
        return peer(x.to(dtype=dtype, memory_format=torch.channels_last)).float()

    return tuned


@torch.inference_mode()
def _computing(net: nn.Module, x: Tensor, context: Callable[[], Any]) -> Tensor:
    with context():
        return net(x)


def torchvision_net(name: str, net: StagedNet) -> nn.Module:
    """torchvision's model with our weights."""
    with torch.device("meta"):
        model = torchvision_models().get_model(name, weights=None, num_classes=net.output.out_features)
    model.load_state_dict({key: value.clone() for key, value in to_torchvision(net).items()}, assign=True)
    return model


def torchvision_models() -> ModuleType:
    """The models of torchvision; those of its compiled operators that a CPU build of torch lacks are declared."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from torchvision import models
            return models
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if missing is None:
                raise
            library.define(f"{missing[1]}(Tensor a) -> Tensor")
            for module in [module for module in sys.modules if module.split(".")[0] == "torchvision"]:
                del sys.modules[module]


def timm_net(name: str, net: StagedNet) -> nn.Module:
    """timm's model with our weights; where its names differ from torchvision's they are VGG's head, as convolutions."""
    torchvision_models()  # timm imports it
    import timm

    with torch.device("meta"):
        model = timm.create_model(name, num_classes=net.output.out_features)
    heads = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc"}
    state = {}
    for key, value in to_torchvision(net).items():
        layer, _, kind = key.rpartition(".")
        renamed = f"{heads[layer]}.{kind}" if name == "vgg16" and layer in heads else key
        state[renamed] = value.reshape(model.state_dict()[renamed].shape).clone()
    model.load_state_dict(state, assign=True)
    return model


@torch.no_grad()
def fitted(name: str, images: Tensor) -> StagedNet:
    """A net whose normalizations have seen the images, and whose output layer knows them from each other."""
    torch.manual_seed(0)
    places = len(images) // len(FITTED)
    net = named_specs()[name].build(image_schema((3, SIDE, SIDE), places))
    assert isinstance(net, StagedNet)
    norms = [m for m in net.modules() if isinstance(m, BatchNorm)]
    for norm in norms:
        norm.momentum = None  # a plain mean over the batches
    for some in images.split(16) if norms else ():
        net.train()(some)
    features: list[Tensor] = []
    hook = net.output.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    for some in images.split(16):
        net.eval()(some)
    hook.remove()
    # (F F^T + c I)^-1, as there are fewer images than features
    f = torch.cat(features).double()
    f = torch.cat([f, torch.ones(len(f), 1)], 1)
    gram = f @ f.T
    wanted = (10 * torch.eye(places, dtype=torch.float64) - 5).repeat(len(FITTED), 1)
    weights = f.T @ torch.linalg.solve(gram + 1e-3 * gram.diagonal().mean() * torch.eye(len(f)), wanted)
    net.output.weight.copy_(weights[:-1].T)
    net.output.bias.copy_(weights[-1])
    return net


def crops(places: int, shift: int) -> Tensor:
    """Images of 224 x 224 from so many places of each of three photographs, standardised; `shift` moves all places."""
    from matplotlib.cbook import get_sample_data
    from PIL import Image
    from sklearn.datasets import load_sample_images

    with get_sample_data("grace_hopper.jpg") as file:
        photographs = [*load_sample_images().images, np.asarray(Image.open(file).convert("RGB"))]
    cut = []
    across = int(places**0.5)
    for pixels in photographs:
        rows, columns = (torch.linspace(8, n - SIDE - 16, across).long() + shift for n in pixels.shape[:2])
        cut += [pixels[r : r + SIDE, c : c + SIDE] for r in rows.tolist() for c in columns.tolist()]
    images = torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2).float().contiguous()
    mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in ((123.7, 116.3, 103.5), (58.4, 57.1, 57.4)))
    return (images - mean) / std


def answers(sides: dict[str, Callable[[Tensor], Tensor]], images: Tensor) -> dict[str, dict[str, float]]:
    """Classes of every side beside those of torchvision's model as it comes, and how many are right."""
    logits = {name: torch.cat([side(some) for some in images.split(16)]) for name, side in sides.items()}
    reference, places = logits["torchvision as it comes"], torch.arange(len(images))
    return {
        name: {
            "same_top1": float((found.argmax(1) == reference.argmax(1)).float().mean()),
            "right": float((found.argmax(1) == places).float().mean()),
            "deviation": float((found - reference).norm() / reference.norm()),
        }
        for name, found in logits.items()
    }


def peak_in_fresh_process(name: str, side: str, batch: int, threads: int) -> float | None:
    """The peak of a process that holds one side alone."""
    command = [sys.executable, __file__, "--peak", name, side, str(batch), "--threads", str(threads)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: float | None = json.loads(done.stdout)
    return found


def peak(name: str, side: str, batch: int) -> float | None:
    """Most memory in MiB that is held while answering; none where the system does not tell (other than Linux)."""
    with torch.no_grad():
        net = named_specs()[name].build(image_schema((3, SIDE, SIDE), 3 * PLACES))
        assert isinstance(net, StagedNet)
        answer = answering(name, side, net)
    del net
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        return None
    ctypes.CDLL(None).malloc_trim(0)
    reset.write_text("5")  # the peak so far, that of making the net, is forgotten
    for _ in range(2):
        answer(torch.zeros(batch, 3, SIDE, SIDE))
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    return int(found[1]) / 1024 if found else None


def markdown(results: dict[str, Any]) -> str:
    """Draw the tables, ratios first."""
    parts = [
        "# Answers of large convolutional nets",
        f"Images of 3 x {SIDE} x {SIDE}, {results['threads']} threads of torch, medians of {results['repeats']} "
        "rounds in turns in one process after one to warm up; ratios are medians over the rounds. Peak: most memory "
        "held while answering, weights and libraries with it, one side alone in a process. "
        "Same top-1: fraction of crops "
        "of three photographs that get the class which torchvision's model as it comes gives them; right: the place "
        "that they were cut from, two pixels beside those that the output layer was fitted to. Every side uses the "
        "same C library, told to keep freed memory.",
    ]
    for name, found in results["nets"].items():
        parts.append(f"## {name}\n\nPrepared: {found['choice']}.")
        parts += [table(batch, measured, found["answers"]) for batch, measured in found["batches"].items()]
    parts.append(measured_on(results["machine"]))
    return "\n\n".join(parts) + "\n"


def table(batch: int, measured: dict[str, Any], said: dict[str, dict[str, float]]) -> str:
    """One net, one size of batch."""
    lines = [
        f"### Batch {batch}",
        "",
        f"| time / prepared's | time / {PLAIN}'s | side | ms an image | peak MiB | same top-1 | right | logits moved |",
        "|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    seconds = measured["seconds"]
    for side, times in seconds.items():
        ratios = [
            median(theirs / own for theirs, own in zip(times, seconds[ours], strict=True)) for ours in (PREPARED, PLAIN)
        ]
        memory, answer = measured["peak_mib"][side], said[side]
        lines.append(
            f"| {ratios[0]:.2f} | {ratios[1]:.2f} | {side} | {1000 * median(times) / batch:.1f} "
            f"| {'-' if memory is None else f'{memory:.0f}'} | {answer['same_top1']:.1%} | {answer['right']:.1%} "
            f"| {answer['deviation']:.1e} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
