"""Write `docs/convolutional.md`: each number and each image of the page is computed here.

    python docs/pages/convolutional.py            the whole page, a few minutes on two cores
    python docs/pages/convolutional.py --quick    less training and smaller nets: does everything run? Writes nothing.

Scores of recipes and the sections on depth and speed are taken from `benchmarks/results/`, which `results.py`,
`depth.py`, `inference.py` and `resnet_training.py` in `benchmarks/` write. Parity with other libraries is measured
where they are installed.
"""

import argparse
import dataclasses
from pathlib import Path

import convolutional_arithmetic as arithmetic
import torch
from convolutional_deep import COMPARED, depth, family, memory
from convolutional_speed import speed
from convolutional_weights import public_weights
from page import Page
from torch import Tensor, nn

import neurarium
from neurarium.data.dataset import Dataset
from neurarium.learning.saliency import grad_cam, gradient, integrated_gradients
from neurarium.nets.catalog import NETS
from neurarium.nets.convolutional.neocognitron import Neocognitron
from neurarium.recipes.convolutional import lenet5
from neurarium.report.feature_maps import feature_maps_figure
from neurarium.report.filters import filters_figure
from neurarium.report.saliency import saliency_figure
from neurarium.training.session import build_session
from results import score_table

DOCS = Path(__file__).parent.parent


def trained_lenet(page: Page, data: Dataset, epochs: int) -> None:
    """Filters, feature maps and saliency of a LeNet-5."""
    page.heading("What a trained net looks for, and where it looked")
    session = build_session(dataclasses.replace(lenet5(), epochs=epochs, device="cpu"), data)
    for _ in session.events():
        pass
    net = session.net.eval()
    part = data.validation
    everything = part.gather(torch.arange(len(part)))
    with torch.no_grad():
        said = net(everything.x).softmax(1)
    wrong = (said.argmax(1) != everything.labels).nonzero().flatten()
    page.say(
        f"""LeNet-5 learns {len(data.train):,} digits for {epochs} epochs (`neurarium train lenet5`); {len(wrong)} of
        the {len(part)} of the validation split are wrong then. Reports of runs hold such images of their own net.
        The six kernels of its first layer, the maps that they make of a digit, and all the maps of the second:"""
    )
    raw = torch.cat(list(part.pieces("image")))
    page.picture("filters", "the six kernels of the first layer of LeNet-5", filters_figure(net, "c1"))
    shown = int(said.max(1).values.argmax())
    for layer in ("c1", "c3"):
        page.picture(
            f"maps-{layer}",
            f"the maps that layer {layer} of LeNet-5 makes of a digit",
            feature_maps_figure(net, everything.x[shown], raw[shown], layer),
        )
    page.say(
        """Three ways to ask where it looked: the *gradient* of the logit, *integrated gradients*, which share out what
        the net says of this image and not of an empty one, and *Grad-CAM*, the maps of a layer weighted by their
        mean gradient. Two digits that are right, and those on which the net is most sure of a wrong answer:"""
    )
    surest = wrong[said[wrong].max(1).values.argsort(descending=True)][:2]
    is_right = said.argmax(1) == everything.labels
    right = torch.stack([(is_right & (everything.labels == k)).nonzero()[0, 0] for k in (3, 8)])
    chosen = torch.cat([right, surest])
    inputs, answers = everything.x[chosen], said[chosen].argmax(1)
    labels = [
        f"said {a} ({said[i, a]:.0%}), is {t}"
        for i, a, t in zip(chosen.tolist(), answers.tolist(), everything.labels[chosen].tolist(), strict=True)
    ]
    page.picture(
        "saliency",
        "digits with gradient, integrated gradients and Grad-CAM",
        saliency_figure(net, inputs, raw[chosen], answers, labels, "c3"),
    )
    _completeness(page, net, inputs, answers)


def _completeness(page: Page, net: nn.Module, inputs: Tensor, answers: Tensor) -> None:
    """How well the fractions sum to what they share out."""
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
        """Fukushima's net of 1969 had rectifiers and given filters, the Neocognitron of 1979/80 learned its S-cells
        without a teacher (errata E7). S-cells look for a feature under shunting inhibition, C-cells forgive it a
        shift. Here the first S-layer is taught one ideal bar for each of eight directions, the second ends, corners
        and lines, and only a linear layer on top learns from labels (`neurarium train neocognitron`; `--net.learned
        40` lets the second S-layer teach itself)."""
    )
    torch.manual_seed(0)
    net = Neocognitron(1, 28, len(data.schema.classes)).eval()
    one = data.validation.gather(torch.tensor([0])).x[0]
    raw = next(data.validation.pieces("image"))[0]
    page.picture(
        "neocognitron", "answers of the eight planes of C-cells to a digit", feature_maps_figure(net, one, raw, "c1")
    )
    page.say("Test scores, from `RESULTS.md`:")
    score_table(page, "neocognitron", "lenet5-1998", "lenet5", "lenet5-fashion")


def main() -> None:
    """Compute everything, then write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less training, smaller nets, write nothing")
    quick = parser.parse_args().quick
    page, data = Page(None if quick else DOCS, "convolutional"), neurarium.load_data("mnist-5k")
    page.parts.append("# Convolutional nets")
    page.say(
        f"""From the convolution itself to ResNet, DenseNet and weights that others have trained. {len(NETS)} kinds of
        net are listed by `neurarium list`; this page is about those that look at images and sounds. It is written by
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
    memory(page, *((40, 8) if quick else (100, 64)))
    public_weights(page)
    depth(page)
    speed(page)
    if quick:
        print(page.text())
    else:
        (DOCS / "convolutional.md").write_text(page.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
