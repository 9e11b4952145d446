"""The page's part on deep nets: their sizes, parity with torchvision, memory, and what depth does."""

import importlib
import multiprocessing
import re
import statistics
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from page import Page
from torch import nn

from neurarium.nets.catalog import named_specs
from neurarium.nets.convolutional.converter import load_torchvision
from neurarium.nets.convolutional.densenet import DenseNet
from neurarium.nets.convolutional.receptive_field import field_of_layers
from neurarium.nets.convolutional.stages import StagedNet
from neurarium.nets.summary import summarize
from neurarium.recipes import deep
from neurarium.record.schema import image_schema
from results import read_result, score_of

PICTURES = Path(__file__).parent.parent / "pictures"
PUBLISHED = {
    "alexnet": 61_100_840,
    "vgg11": 132_863_336, "vgg13": 133_047_848, "vgg16": 138_357_544, "vgg19": 143_667_240,
    "vgg11-bn": 132_868_840, "vgg13-bn": 133_053_736, "vgg16-bn": 138_365_992, "vgg19-bn": 143_678_248,
    "resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032, "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "densenet121": 7_978_856, "densenet169": 14_149_480, "densenet201": 20_013_928,
}  # fmt: skip
"""Parameters as torchvision's documentation lists them ("Models and pre-trained weights")."""
COMPARED = ("alexnet", "vgg11-bn", "resnet18", "resnet50", "densenet121")
SMALL = (deep.alexnet_small, deep.vgg_small, deep.plain20, deep.resnet20, deep.plain56, deep.resnet56, deep.densenet40)


def family(page: Page, names: tuple[str, ...]) -> None:
    """AlexNet to DenseNet."""
    page.heading("From AlexNet to DenseNet")
    page.say(
        """The forms for large images, for 1000 classes; multiply-adds of an image of 224 x 224, field of the last
        stage; "published" as torchvision lists its models. Names are those of `neurarium show`:"""
    )
    rows, all_equal = [], True
    for name, published in PUBLISHED.items():
        with torch.device("meta"):
            net = named_specs()[name].build(image_schema((3, 224, 224), 1000))
            assert isinstance(net, StagedNet)
            whole = summarize(net, (3, 224, 224))
        all_equal = all_equal and whole.parameters == published
        cost = f"{whole.multiply_adds / 1e9:.2f} billion"
        rows.append((name, f"{whole.parameters:,}", f"{published:,}", cost, _sees(net)))
    page.table(("net", "parameters", "published", "multiply-adds", "sees"), rows)
    page.say("Every count is the published one." if all_equal else "**Not every count is the published one.**")
    models = _torchvision()
    if models is None:
        page.say("torchvision is not installed here: no parity measured.")
    else:
        page.say(
            """Parity: torchvision's weights, drawn at random, copied into our net by `load_torchvision`; largest
            difference of logits and of the gradient at the pixels, relative to the largest, two images of 64 x 64,
            float32:"""
        )
        page.table(("net", "logits", "gradient"), [_parity(name, models) for name in names])
    page.say(
        """For small images, 28 x 28 of one channel and ten classes, with their recipes on Fashion-MNIST
        (`recipes/deep.py`):"""
    )
    rows = []
    for recipe in SMALL:
        plan = recipe()
        net = plan.net.build(image_schema())
        assert isinstance(net, StagedNet)
        whole = summarize(net, (1, 28, 28))
        cost = f"{whole.multiply_adds / 1e6:.1f} million"
        rows.append((plan.name, f"{whole.parameters:,}", cost, _sees(net), score_of(plan.name)))
    page.table(("recipe", "parameters", "multiply-adds", "sees", "test accuracy"), rows)
    if (PICTURES / "resnet20-saliency.png").exists():
        page.say(
            """Images that the report of a run holds, here of `resnet20`: the maps of its last stage, 7 x 7 positions
            with a field larger than the image, and what spoke for its most certain mistakes and two right answers on
            the validation split:"""
        )
        page.parts.append(
            "![64 maps that the last stage of ResNet-20 makes of a pullover](pictures/resnet20-feature-maps.png)"
        )
        page.parts.append(
            "![pieces of clothing with gradient, integrated gradients and Grad-CAM](pictures/resnet20-saliency.png)"
        )


def _sees(net: StagedNet) -> str:
    """Field of the last stage: a shortcut sees less than its branch, and of a dense block the last layer most."""
    fields = field_of_layers(layer for name, layer in net.stages.named_modules() if "shortcut" not in name)
    return " x ".join(str(field.size) for field in fields)


def _torchvision() -> ModuleType | None:
    """torchvision's models; operators that no model needs and that were not compiled are declared."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for _ in range(100):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return importlib.import_module("torchvision.models")
        except ModuleNotFoundError:
            return None
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if missing is None:
                raise
            library.define(f"{missing[1]}(Tensor a) -> Tensor")
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]
    return None


def _parity(name: str, models: ModuleType) -> tuple[str, str, str]:
    torch.manual_seed(0)
    theirs = models.get_model(name.replace("-", "_"), weights=None, num_classes=10).eval()
    ours = named_specs()[name].build(image_schema((3, 64, 64))).eval()
    assert isinstance(ours, StagedNet)
    load_torchvision(ours, theirs.state_dict())
    answers, slopes = [], []
    for net in (theirs, ours):
        x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)).requires_grad_()
        y = net(x)
        answers.append(y.detach())
        slopes.append(torch.autograd.grad(y.square().sum(), x)[0])
    gaps = [float((b - a).abs().max() / a.abs().max()) for a, b in (answers, slopes)]
    first, second = (f"{gap:.1e}" if gap else "equal bit for bit" for gap in gaps)
    return name, first, second


def memory(page: Page, depth: int, batch: int) -> None:
    """DenseNet's saving form."""
    page.say(
        f"""**DenseNet's memory.** Kept for the way back, the concatenations grow with the square of the depth;
        `recompute` computes them again instead. Memory that one training step of DenseNet-{depth} with bottlenecks
        adds at its peak, batch {batch} of 32 x 32, each in a process of its own:"""
    )
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        peaks = [pool.apply(_peak, (depth, batch, recompute)) for recompute in (False, True)]
    page.table(
        ("form", "peak, MiB", "fraction"),
        [(form, f"{p:.0f}", f"{p / peaks[0]:.0%}") for form, p in zip(("plain", "recompute"), peaks, strict=True)],
    )


def _peak(depth: int, batch: int, recompute: bool) -> float:
    """MiB that a step adds to what the process holds before it."""
    torch.manual_seed(0)
    net = DenseNet(depth, channels=3, outputs=10, recompute=recompute)
    x, targets = torch.randn(batch, 3, 32, 32), torch.zeros(batch, dtype=torch.int64)
    net(x[:2]).sum().backward()  # loads what torch loads at first use
    before = _kibibytes("VmRSS")
    nn.functional.cross_entropy(net(x), targets).backward()
    return (_kibibytes("VmHWM") - before) / 1024


def _kibibytes(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert found is not None, "the peak is read where Linux keeps it"
    return int(found[1])


def depth(page: Page) -> None:
    """Plain and residual nets, as the benchmark has measured them."""
    page.heading("The revolution of depth")
    page.say(
        """More layers can do whatever fewer can, and yet He et al. found in 2015 that plain nets learn *worse* when
        they get deep, on the training data themselves: what fails is descent, not the net. A residual block relu(x +
        h(x)) has only to learn what to change, and depth pays again. `benchmarks/depth.py` trains plain and residual
        nets of 20 and 56 layers in equal settings from three seeds."""
    )
    found = read_result("depth.json")
    count = len({(run["net"], run["seed"]) for run in found["runs"]}) if found else 0
    if not found or count < 4 * 3:
        page.say("Not measured yet: run `python benchmarks/depth.py`.")
        return
    settings = found["settings"]
    page.parts.append("![error of plain and residual nets over epochs](pictures/convolutional-depth.png)")
    ends = {name: _ends(found["runs"], name) for name in ("plain-20", "plain-56", "resnet-20", "resnet-56")}
    page.table(
        ("net", "training error, %", "validation error, %"),
        [
            (name, *(f"{statistics.mean(v):.2f} ± {statistics.stdev(v):.2f}" for v in both))
            for name, both in ends.items()
        ],
    )
    trained = {name: both[0] for name, both in ends.items()}
    worse = _pairs(trained["plain-20"], trained["plain-56"])
    better = _pairs(trained["resnet-56"], trained["resnet-20"])
    page.say(
        f"""{settings["examples"]:,} images of Fashion-MNIST at half size, {settings["epochs"]} epochs, learning rate
        {found["rate"]:g} for all: the one of {", ".join(f"{r:g}" for r in settings["rates"])} at which plain-56 learns
        best. plain-56 ends with a higher training error than plain-20 in {worse}, ResNet-56 with a lower one than
        ResNet-20 in {better}. Details: [depth](../benchmarks/results/depth.md)."""
    )


def _ends(runs: list[Mapping[str, Any]], name: str) -> tuple[list[float], list[float]]:
    """Training and validation error at the end in per cent, a number a seed."""
    own = sorted((run for run in runs if run["net"] == name), key=lambda run: run["seed"])
    first, second = ([100 * run["curve"][-1][column] for run in own] for column in (1, 2))
    return first, second


def _pairs(lower: list[float], higher: list[float]) -> str:
    return f"{sum(a < b for a, b in zip(lower, higher, strict=True))} of {len(lower)} seeds"
