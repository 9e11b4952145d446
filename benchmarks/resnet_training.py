"""How fast ResNet-20 learns, beside the script that everybody writes first: batch 128, images of 3 x 32 x 32.

    python benchmarks/resnet_training.py            four epochs; writes benchmarks/results/resnet_training.json and .md
    python benchmarks/resnet_training.py --quick    640 images, two epochs, write nothing

Images of Fashion-MNIST, or of MNIST where that is not there, with a margin of two and three equal colors. Every side
begins with the same weights, sees the same images in the same order, standardised alike, and descends by the same
rule (momentum 0.9, l2 1e-4, cosine); it is a process of its own and trains an epoch when it is told to, in turns.

The order is the same because it decides more than the sides do: after ten steps, six orders of the same images gave
accuracies from 0.18 to 0.35 with one script. What is left between the sides is rounding: torch's batch normalization of
maps laid out channels-last is right to 1e-5, of others to 5e-8.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler, TensorDataset

from machine import describe_machine, measured_on, warn_if_busy
from neurarium.checks import DataError
from neurarium.data import fashion_mnist, mnist_5k
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields
from neurarium.data.plan import permutation
from neurarium.data.scaling import Scaling
from neurarium.data.table import Table
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.convolutional.converter import to_torchvision
from neurarium.nets.convolutional.deep_specs import ResNetSpec
from neurarium.nets.convolutional.resnet import ResNet
from neurarium.record.events import EpochEnded
from neurarium.record.schema import Field, Schema
from neurarium.training.device import find_device
from neurarium.training.fast_inference import prepared_for_inference
from neurarium.training.recipe import Recipe
from neurarium.training.session import build_session
from table import publish

OURS, BFLOAT16, TEXTBOOK = "neurarium", "neurarium, bfloat16", "textbook script"
LAID_OUT = "textbook script, channels-last"
SIDES = (OURS, BFLOAT16, TEXTBOOK, LAID_OUT)
BATCH, RATE, MOMENTUM, L2, SEED = 128, 0.1, 0.9, 1e-4, 0
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure, print, write; or be one side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="640 images, two epochs, write nothing")
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    parser.add_argument("--epochs", type=int, default=4, help="the first is not timed")
    parser.add_argument("--examples", type=int, default=12_800, help="images to learn from")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--serve", nargs=2, metavar=("SIDE", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        torch.set_num_threads(given.threads)
        serve(given.serve[0], load_file(given.serve[1]), given.epochs)
        return 0
    if given.quick:
        given.epochs, given.examples = 2, 640
    warn_if_busy()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images.safetensors"
        name = write_pictures(file, given.examples)
        results: dict[str, Any] = {
            "machine": describe_machine(),
            "threads": given.threads,
            "data": name,
            "examples": given.examples,
            "epochs": given.epochs,
            "sides": compare(file, given.epochs, given.threads),
        }
    publish("resnet_training", results, markdown(results), None if given.quick else given.out)
    return 0


def write_pictures(file: Path, count: int) -> str:
    """Write the images and the first weights for all sides; return what the images are."""
    try:
        data, name = fashion_mnist.load(), "Fashion-MNIST"
    except DataError:
        data, name = mnist_5k.load(), "MNIST, 5,000 digits"
    tensors = {}
    for part, examples, most in (("train", data.train, count), ("test", data.test, 2_000)):
        order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(SEED))[:most]
        pixels = torch.cat(list(examples.pieces("image")))[order]
        tensors[part] = F.pad(pixels, (2, 2, 2, 2)).expand(-1, 3, -1, -1).contiguous()
        tensors[f"{part}_targets"] = examples.target("label")[order].contiguous()
    torch.manual_seed(SEED)
    weights = {f"net/{key}": value for key, value in to_torchvision(ResNet(20, 3, 32, 10)).items()}
    save_file(tensors | weights, file)
    return name


def compare(file: Path, epochs: int, threads: int) -> dict[str, dict[str, Any]]:
    """Let every side train an epoch in turns."""
    processes = {}
    for side in SIDES:
        command = [sys.executable, __file__, "--serve", side, str(file)]
        command += ["--threads", str(threads), "--epochs", str(epochs)]
        processes[side] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    said: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    try:
        for turn in range(epochs):
            # another begins in every round, so that none always follows the same one
            for side in SIDES[turn % len(SIDES) :] + SIDES[: turn % len(SIDES)]:
                said[side].append(ask(processes[side]))
            print(f"epoch {turn + 1} of {epochs}", file=sys.stderr)
    finally:
        for process in processes.values():
            process.kill()
            process.communicate()
    return {
        side: {
            "seconds": [one["seconds"] / one["steps"] for one in answers[1:]],
            "cold_seconds": answers[0]["seconds"] / answers[0]["steps"],
            "loss": [one["loss"] for one in answers],
            "accuracy": answers[-1]["accuracy"],
            "same_prepared": answers[-1]["same_prepared"],
            "peak_mib": answers[-1]["peak_mib"],
        }
        for side, answers in said.items()
    }


def ask(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Let a side train an epoch."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("epoch\n")
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args} stopped with code {process.wait()}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def serve(side: str, tensors: dict[str, Tensor], epochs: int) -> None:
    """Be a side: an epoch for every line that comes in."""
    scaling = Scaling.fit(tensors["train"])
    if side in (OURS, BFLOAT16):
        net, course = trainer(tensors, scaling, epochs, "bfloat16" if side == BFLOAT16 else "float32")
    else:
        net, course = script(tensors, scaling, epochs, laid_out=side == LAID_OUT)
    images = standardised(tensors["test"], scaling)
    scale = 1024 if sys.platform == "linux" else 2**20
    for _ in sys.stdin:
        began = time.perf_counter()
        loss = next(course)
        seconds = time.perf_counter() - began
        answer = {
            "seconds": seconds,
            "steps": math.ceil(len(tensors["train"]) / BATCH),
            "loss": loss,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale,
            "accuracy": float((classes(net.eval(), images) == tensors["test_targets"]).float().mean()),
            "same_prepared": same_prepared(net, images),
        }
        print(json.dumps(answer), flush=True)


def trainer(
    tensors: dict[str, Tensor], scaling: Scaling, epochs: int, precision: str
) -> tuple[nn.Module, Iterator[float]]:
    """neurarium as a run has it: every check, an event a step."""
    field = scaling.field(Field((3, 32, 32), value_range=(0.0, 255.0)))
    schema = Schema({"image": field}, class_fields("0123456789"))
    train, test = (Table((tensors[p],), (tensors[f"{p}_targets"],), schema) for p in ("train", "test"))
    data = Dataset("images", train, test.select(torch.arange(0)), test, schema, "see above", "none")
    recipe = Recipe(
        net=ResNetSpec(20),
        optimizer=Optimizer("momentum", lr=RATE, momentum=MOMENTUM, l2=L2),
        schedule=Schedule("cosine"),
        epochs=epochs,
        batch_size=BATCH,
        seed=SEED,
        device="cpu",
        precision="bfloat16" if precision == "bfloat16" else "float32",
    )
    session = build_session(recipe, data)
    own = {name: tensor.clone() for name, tensor in tensors.items() if name.startswith("net/")}
    theirs = to_torchvision(session.net)
    for name, tensor in own.items():
        theirs[name.removeprefix("net/")].copy_(tensor)
    return session.net, (event.train["loss"] for event in session.events() if isinstance(event, EpochEnded))


def script(
    tensors: dict[str, Tensor], scaling: Scaling, epochs: int, laid_out: bool
) -> tuple[nn.Module, Iterator[float]]:
    """The script of the tutorials: DataLoader over a TensorDataset, `loss.item()` in every step."""
    torch.manual_seed(SEED)
    net = TextbookResNet()
    net.load_state_dict({k.removeprefix("net/"): v for k, v in tensors.items() if k.startswith("net/")})
    if laid_out:
        net = net.to(memory_format=torch.channels_last)
    images = TensorDataset(standardised(tensors["train"], scaling), tensors["train_targets"])
    loader = DataLoader(images, BATCH, sampler=SameOrder(len(images)))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=L2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(loader))

    def course() -> Iterator[float]:
        while True:
            net.train()
            running = 0.0
            for inputs, targets in loader:
                if laid_out:
                    inputs = inputs.to(memory_format=torch.channels_last)
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                scheduler.step()
                running += loss.item()
            yield running / len(loader)

    return net, course()


class SameOrder(Sampler[int]):
    """Shuffled anew in every epoch, as neurarium does it."""

    def __init__(self, count: int) -> None:
        self.count, self.epoch = count, 0

    def __iter__(self) -> Iterator[int]:
        self.epoch += 1
        return iter(permutation(self.count, seed=SEED, epoch=self.epoch).tolist())

    def __len__(self) -> int:
        return self.count


class TextbookBlock(nn.Module):
    """Two convolutions and a shortcut, as written from the paper (option A)."""

    def __init__(self, inputs: int, maps: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, maps, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(maps)
        self.conv2 = nn.Conv2d(maps, maps, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(maps)
        self.stride, self.new = stride, maps - inputs

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.new:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new))
        return F.relu(out + x)


class TextbookResNet(nn.Module):
    """ResNet-20 for small images, under torchvision's names."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(TextbookBlock(16, 16, 1) for _ in range(3)))
        self.layer2 = nn.Sequential(TextbookBlock(16, 32, 2), *(TextbookBlock(32, 32, 1) for _ in range(2)))
        self.layer3 = nn.Sequential(TextbookBlock(32, 64, 2), *(TextbookBlock(64, 64, 1) for _ in range(2)))
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        return self.fc(out.mean((2, 3)))


def standardised(pixels: Tensor, scaling: Scaling) -> Tensor:
    """What every net sees."""
    mean, std = (torch.tensor(values).reshape(-1, 1, 1) for values in (scaling.mean, scaling.std))
    return (pixels.float() - mean) / std


@torch.no_grad()
def classes(net: nn.Module, images: Tensor) -> Tensor:
    """Answers in float32, whatever the net was trained in."""
    return torch.cat([net(some).argmax(1) for some in images.split(500)])


def same_prepared(net: nn.Module, images: Tensor) -> float:
    """Fraction of the answers that stay when the net is prepared for inference."""
    fast = prepared_for_inference(net, find_device("cpu"))
    return float((classes(fast, images) == classes(net.eval(), images)).float().mean())


def markdown(results: dict[str, Any]) -> str:
    """Draw the table, ratio first."""
    sides = results["sides"]
    lines = [
        "# ResNet-20: a step of learning",
        "",
        f"{results['examples']:,} images of {results['data']} as 3 x 32 x 32, batch {BATCH}, {results['threads']} "
        f"threads; {results['epochs']} epochs in turns, each side a process of its own; the first is not timed. "
        "Seconds are those of an epoch divided by its steps: loading, checks and all. Ratio: median over the epochs. "
        "Accuracy on 2,000 test images after the last epoch, measured in float32; prepared: fraction of those answers "
        "that stay when the net is prepared for inference (`prepared_for_inference`).",
        "",
        f"| {TEXTBOOK}'s time / time | side | ms a step | first epoch | peak MiB | accuracy | prepared | loss |",
        "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for side, found in sides.items():
        ratio = median(a / b for a, b in zip(sides[TEXTBOOK]["seconds"], found["seconds"], strict=True))
        lines.append(
            f"| {ratio:.2f} | {side} | {1000 * median(found['seconds']):.1f} | {1000 * found['cold_seconds']:.1f} "
            f"| {found['peak_mib']:.0f} | {found['accuracy']:.4f} "
            f"| {found['same_prepared']:.2%} | {found['loss'][-1]:.4f} |"
        )
    return "\n".join([*lines, "", measured_on(results["machine"])]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
