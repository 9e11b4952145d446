"""First half of `docs/convolutional.md`: the operation itself, its sizes, matrices, gradients, fields and shifts."""

from typing import Any

import torch
from matplotlib.patches import Rectangle
from page import Page
from torch import Tensor, nn

from neurarium.data.dataset import Dataset
from neurarium.learning.backprop.convolution import convolution_backward, convolution_forward
from neurarium.nets.convolutional.convolution import PaddingMode, convolve, cross_correlate
from neurarium.nets.convolutional.fourier import fourier_cross_correlate, fourier_is_faster
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.convolutional.pooling import average_pool, max_pool
from neurarium.nets.convolutional.receptive_field import (
    ReceptiveField,
    Window,
    convolution_cost,
    field_of_layers,
    measured_receptive_field,
    output_size,
)
from neurarium.nets.convolutional.resnet import ResNet
from neurarium.nets.convolutional.toeplitz import toeplitz
from neurarium.nets.summary import summarize
from neurarium.report import plotting
from neurarium.report.filters import hide_axes
from neurarium.symmetry.shift import before_flattening, circular_shift_deviation, shift_deviation

CURVE = torch.zeros(7, 7)
CURVE[[0, 1, 2, 3, 4, 5], [5, 4, 3, 3, 3, 3]] = 30.0
BACK, HEAD = torch.zeros(7, 7), torch.zeros(7, 7)
BACK[[0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6], [6, 4, 5, 6, 3, 4, 3, 4, 3, 4, 3, 4, 3, 4]] = torch.tensor(
    [30.0, 50, 50, 50, 20, 50, 50, 50, 50, 50, 50, 50, 50, 50]
)
HEAD[[1, 2, 2, 3, 3, 4, 5, 6, 6, 6], [1, 0, 2, 0, 1, 1, 2, 0, 1, 3]] = torch.tensor(
    [40.0, 40, 40, 40, 20, 50, 50, 25, 25, 50]
)


def operation(page: Page) -> None:
    """The worked examples of the notes, and what can be chosen."""
    page.heading("Convolution and cross-correlation")
    page.say(
        """A convolutional layer slides a kernel over its input and multiplies and adds at every place. As every
        toolkit has it this is the *cross-correlation* y[u] = b + sum_t w[t] x[s u - p + e t]; the *convolution* of
        mathematics reads the kernel backwards. Learned kernels do not care; given ones do, and only convolution
        commutes. Both are in `nets/convolutional/convolution.py`, in one, two and three dimensions."""
    )
    x, w = torch.tensor([[[1.0, 2.0, -1.0, 1.0, -3.0]]]), torch.tensor([[[1.0, 0.0, -1.0]]])
    rows = [
        ("001: (1, 2, -1, 1, -3) with (1, 0, -1), a zero on each side", _numbers(cross_correlate(x, w, padding=1))),
        ("the same, kernel flipped: the convolution", _numbers(convolve(x, w, padding=1))),
        *(
            (f"003: the curve detector on {name}", _numbers(cross_correlate(p[None, None], CURVE[None, None])))
            for name, p in (("the mouse's back", BACK), ("another place", HEAD))
        ),
    ]
    page.table(("worked example of the notes", "answer"), rows)
    page.say("**Sizes.** d positions, kernel f, stride s, p zeros on each side and dilation e leave")
    page.parts.append("    n = floor((d + 2 p - e (f - 1) - 1) / s) + 1")
    page.say("positions (`output_size`); the layer itself agrees in every row:")
    settings: list[dict[str, Any]] = [
        {},
        {"padding": 2},
        {"stride": 2},
        {"stride": 2, "padding": 1},
        {"dilation": 2},
        {"dilation": 3, "padding": 6},
    ]
    sizes = []
    for given in settings:
        n = output_size(28, 5, **given)
        made = cross_correlate(torch.zeros(1, 1, 28), torch.zeros(1, 1, 5), **given).shape[-1]
        sizes.append((", ".join(f"{k} {v}" for k, v in given.items()) or "valid", str(n), str(made)))
    page.table(("28 positions, kernel 5", "formula", "layer"), sizes)
    window = [Window(3), Window(3)]
    each = [convolution_cost((14, 14), 32, window, channels=16, groups=g, bias=False) for g in (1, 4, 16)]
    page.say(
        """"same" padding keeps ceil(d / s) positions, with the odd one on the right; even kernels are allowed. With g
        groups a kernel sees only its own channels, which divides weights and cost by g: """
        + ", ".join(f"{c.parameters:,} weights for g = {g}" for g, c in zip((1, 4, 16), each, strict=True))
        + " (3 x 3, 16 channels to 32). "
        + """Two-dimensional output is (d - f + 1)^2 x k, where the notes print (d - f + 1) x k (errata E17)."""
    )


def three_ways(page: Page) -> None:
    """Direct sum, matrix and Fourier transform."""
    page.heading("One operation, three ways: sum, Toeplitz matrix, Fourier transform")
    page.say(
        """Written as a matrix the layer is linear with the same few weights in every row, moved along: banded Toeplitz
        in one dimension, doubly block Toeplitz in two (`toeplitz`, sparse). Through the Fourier transform it costs O(L
        log L) instead of O(L f). The three agree; largest differences in float64, random numbers of variance 1:"""
    )
    rows = []
    torch.manual_seed(0)
    for size, kernel in (((4096,), 63), ((48, 48), 9), ((14, 14, 14), 5)):
        x = torch.randn(1, 2, *size, dtype=torch.float64)
        w = torch.randn(3, 2, *(kernel,) * len(size), dtype=torch.float64)
        direct = cross_correlate(x, w)
        matrix = toeplitz(w, size)
        rows.append(
            (
                " x ".join(map(str, size)),
                str(kernel),
                f"{matrix.shape[0]:,} x {matrix.shape[1]:,}",
                f"{matrix.values().numel() / matrix.numel():.2%}",
                f"{(matrix @ x.flatten() - direct.flatten()).abs().max():.1e}",
                f"{(fourier_cross_correlate(x, w) - direct).abs().max():.1e}",
                f"{direct.abs().max():.0f}",
            )
        )
    page.table(
        ("input, 2 channels", "kernel", "matrix", "filled", "matrix - direct", "Fourier - direct", "largest output"),
        rows,
    )
    page.say(
        """004 holds the transform to be of little use for machine learning; that is right for kernels of three weights
        and wrong for long ones (errata E42). `convolution_by_best_path` takes the cheaper way by a cost model that was
        fitted to measurements on one processor. Smallest kernel from which it transforms, in float32:"""
    )
    cases = [((4096,), 1), ((4096,), 16), ((65536,), 1), ((64, 64), 1), ((64, 64), 16), ((32, 32, 32), 1)]
    turns = [
        (" x ".join(map(str, size)), f"{maps} to {maps}", " x ".join([_turn(size, maps)] * len(size)))
        for size, maps in cases
    ]
    page.table(("input", "channels", "transformed from kernel"), turns)


def _turn(size: tuple[int, ...], maps: int) -> str:
    turning = (f for f in range(1, min(size) + 1) if fourier_is_faster(1, maps, maps, size, (f,) * len(size)))
    return str(next(turning, "never"))


def gradients(page: Page) -> None:
    """What the notes leave as TODO."""
    page.heading("Gradients")
    page.say(
        """The notes leave them as "TODO". Let delta[k, u] = dL/dy[k, u] be the error signal from above. y is linear in
        kernel, input and bias, and each weight meets each place, so the chain rule sums over places:"""
    )
    page.parts.append(
        "    y[k, u]     = b[k] + sum_c sum_t w[k, c, t] x[c, s u - p + e t]\n\n"
        "    dL/dw[k, c, t] = sum_u delta[k, u] x[c, s u - p + e t]\n"
        "    dL/dx[c, v]    = sum_k sum_{u, t: s u - p + e t = v} delta[k, u] w[k, c, t]\n"
        "    dL/db[k]       = sum_u delta[k, u]"
    )
    page.say(
        """(and summed over the batch for w and b). In words: the gradient of the kernel correlates input and error
        signal, with stride and dilation changing places; the error signal of the input is a *transposed* convolution,
        delta spread over the input through the same weights, which is the transposed Toeplitz matrix; at stride 1 it
        is the full convolution of delta with w. `learning/backprop/convolution.py` computes exactly these sums without
        automatic differentiation. As L = sum delta y is linear in x, in w and in b, central differences are exact but
        for rounding, whatever the step. Largest difference of the rule to them, relative to the largest entry, in
        float64:"""
    )
    rows = []
    torch.manual_seed(0)
    for size in ((17,), (9, 8), (5, 6, 5)):
        for how in ({"stride": 1, "padding": 0, "dilation": 1}, {"stride": 2, "padding": 1, "dilation": 2}):
            found = [f"{gap:.1e}" for gap in _gaps(size, how)]
            rows.append((f"{len(size)}-D, " + ", ".join(f"{k} {v}" for k, v in how.items()), *found))
    page.table(("", "input", "kernel", "bias", "input: matrix transposed"), rows)


def _gaps(size: tuple[int, ...], how: dict[str, Any]) -> list[float]:
    """Differences of the rule to central differences, and of the transposed matrix to the rule."""
    axes = len(size)
    x = torch.randn(2, 2, *size, dtype=torch.float64)
    w, b = torch.randn(3, 2, *(3,) * axes, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    y, cache = convolution_forward(x, w, b, **how)
    delta = torch.randn_like(y)
    rule = convolution_backward(delta, cache)
    variables = [x, w, b]
    gaps = []
    for place, found in enumerate(rule):
        slopes = torch.empty_like(variables[place])
        for n in range(slopes.numel()):
            ends = []
            for step in (1.0, -1.0):
                moved = [v.clone() for v in variables]
                moved[place].view(-1)[n] += step
                ends.append((delta * cross_correlate(moved[0], moved[1], moved[2], **how)).sum())
            slopes.view(-1)[n] = (ends[0] - ends[1]) / 2
        assert found is not None
        gaps.append(_relative(found, slopes))
    matrix = toeplitz(w, size, **how)
    back = torch.stack([(matrix.T @ d.flatten()).reshape(x.shape[1:]) for d in delta])
    assert rule[0] is not None
    return [*gaps, _relative(back, rule[0])]


def _relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def pooling(page: Page) -> None:
    """Pooling with its stride."""
    page.heading("Pooling")
    x = torch.tensor([[[1.0, 5.0, 2.0, 3.0, 0.0, 4.0]]])
    page.say(
        f"""One number for each window, no parameters. 004 prints max I[i + k, j + l], which has no stride and so makes
        nothing smaller; downsampling is I[s i + k, s j + l] (errata E43). Of ({_numbers(x)}) the maximum over windows
        of 2 is ({_numbers(max_pool(x, 2))}) at stride 2 and ({_numbers(max_pool(x, 2, stride=1))}) at stride 1; the
        mean is ({_numbers(average_pool(x, 2))})."""
    )


def fields(page: Page) -> None:
    """Receptive fields, calculated and measured."""
    page.heading("What a unit sees, and what it costs")
    page.say(
        """A stack of windows sees further with every layer: size grows by e (f - 1) times the jump, and the jump is
        the product of the strides so far. `field_of_layers` calculates this for layers that follow one another;
        `measured_receptive_field` finds it from outside, as the span where the gradient of the central unit is not
        zero. With positive weights, where nothing cancels, they are equal:"""
    )
    torch.manual_seed(0)
    lenet, resnet = before_flattening(LeNet5(size=64)), ResNet(20, channels=1).stages.eval()
    parts: list[tuple[str, nn.Module, int]] = [
        (f"LeNet-5, {name}", nn.Sequential(*list(lenet)[: place + 1]), 64)
        for place, (name, _) in enumerate(lenet.named_children())
        if not isinstance(lenet[place], nn.ReLU)
    ]
    names = dict(zip((p[0] for p in parts), ("c1", "s2", "c3", "s4"), strict=True))
    parts = [(f"LeNet-5, {names[name]}", stack, side) for name, stack, side in parts]
    stages = list(resnet.named_children())
    parts += [
        (f"ResNet-20, {name}", nn.Sequential(*(stage for _, stage in stages[: k + 1])), 128)
        for k, (name, _) in enumerate(stages)
    ]
    figure = plotting.new_figure(9.8, 5.4)
    rows = []
    for axes, (name, stack, side) in zip(figure.subplots(2, 4).flat, parts, strict=True):
        seen, _ = field_of_layers(layer for path, layer in stack.named_modules() if "shortcut" not in path)
        _draw_field(axes, stack, side, seen, name)
        for parameter in stack.parameters():
            parameter.data.abs_()
        measured = measured_receptive_field(stack.double(), (1, side, side))
        rows.append((name, f"{seen.size}", f"{measured[0]} x {measured[1]}", f"{seen.jump}"))
        stack.float()
    page.table(("layer", "calculated", "measured", "jump"), rows)
    figure.supxlabel(
        "square: calculated field; darkness: size of the gradient, mean of 16 random inputs, fresh weights, root scale",
        color=plotting.FAINT,
        fontsize=9,
    )
    page.picture("fields", "gradient of the central unit of each layer of LeNet-5 and ResNet-20, and its field", figure)
    page.say(
        """Not all of a field counts alike: the gradient is largest in its middle, for many paths lead there and few to
        the rim."""
    )


def _draw_field(axes: Any, stack: nn.Module, side: int, seen: ReceptiveField, name: str) -> None:
    """Gradient around the central unit, cut to one and a half fields."""
    fresh = [p.detach().clone() for p in stack.parameters()]
    x = torch.randn(16, 1, side, side, requires_grad=True)
    y = stack(x)
    place = y.shape[-1] // 2
    (slope,) = torch.autograd.grad(y[:, :, place, place].sum(), x)
    darkness = slope.abs().mean((0, 1)).sqrt().numpy()
    axes.imshow(darkness, cmap="Grays", interpolation="nearest")
    first = seen.start + seen.jump * place - 0.5
    axes.add_patch(
        Rectangle((first, first), seen.size, seen.size, fill=False, edgecolor=plotting.VERMILION, linewidth=1.4)
    )
    rim = max(2, seen.size // 4)
    axes.set_xlim(first - rim, first + seen.size + rim)
    axes.set_ylim(first + seen.size + rim, first - rim)
    axes.set_title(name, color=plotting.INK, fontsize=9.5)
    hide_axes(axes)
    axes.set_xlabel(f"{seen.size} x {seen.size} pixels", color=plotting.FAINT, fontsize=8.5)
    assert all(torch.equal(a, b) for a, b in zip(fresh, stack.parameters(), strict=True))


def costs(page: Page) -> None:
    """Parameters and multiply-adds."""
    page.say(
        """**Cost.** A layer of K kernels over C channels has f^2 (C / g) K + K parameters and n^2 f^2 (C / g) K
        multiply-adds; the notes' O(d^2 f^2 p k) is this with d for n. LeNet-5, as `neurarium show lenet5` prints it:"""
    )
    summary = summarize(LeNet5(), (1, 28, 28))
    rows = [
        (row.name, row.kind, " x ".join(map(str, row.output)), f"{row.parameters:,}", f"{row.multiply_adds:,}")
        for row in summary.rows
    ]
    page.table(("layer", "kind", "output", "parameters", "multiply-adds"), rows)
    dense = 28 * 28 * 6 * (28 * 28 + 1)
    page.say(
        f"""Vmap {summary.parameters:,} parameters and {summary.multiply_adds:,} multiply-adds. A fully connected
        layer from the image to the maps of c1 alone would have {dense:,} parameters instead of
        {summary.rows[0].parameters}."""
    )


def shifts(page: Page) -> None:
    """Shift equivariance: where it holds and where not."""
    page.heading("Shifted input, shifted output")
    page.say(
        """Convolution commutes with shifts (it is *equivariant*; 001 says invariant, errata E11). With strides whose
        product is J, a shift of the input by J positions moves the output by one. Where the signal is a ring, as under
        circular padding, the law holds everywhere; zero padding breaks it for units that see the border; and a shift
        by less than J changes which windows are taken. `symmetry/shift.py` checks the law for every net that declares
        it. Two convolutions 5 x 5 with a maximum over 2 x 2 between them, J = 2, in float64:"""
    )
    figure = plotting.new_figure(9.8, 3.7)
    torch.manual_seed(0)
    x = torch.randn(1, 1, 32, 32, dtype=torch.float64)
    shapes = (
        ("circular padding, by 2", "circular", 2),
        ("zero padding, by 2", "zeros", 2),
        ("circular, by 1", "circular", 1),
    )
    stacks = {"circular": _stack("circular"), "zeros": _stack("zeros")}
    stacks["zeros"].load_state_dict(stacks["circular"].state_dict())
    drawn = figure.subplots(1, 3)
    for axes, (title, mode, by) in zip(drawn, shapes, strict=True):
        with torch.no_grad():
            y, moved = stacks[mode](x), stacks[mode](x.roll((by, by), (2, 3)))
        expected = y.roll((1, 1), (2, 3)) if by == 2 else y
        gap = (moved - expected).abs().mean((0, 1)) / y.abs().mean()
        image = axes.imshow(gap.clamp(min=1e-17).log10(), cmap="viridis", vmin=-17, vmax=0, interpolation="nearest")
        hide_axes(axes)
        axes.set_title(f"{title}: at most {float(gap.max()):.1g}", color=plotting.INK, fontsize=9.5)
        axes.set_xlabel("16 x 16 units", color=plotting.FAINT, fontsize=8.5)
    bar = figure.colorbar(image, ax=list(drawn), shrink=0.85, pad=0.02)
    bar.set_label("log10 of the relative error", color=plotting.FAINT, fontsize=9)
    page.picture("shift", "error of shifting before instead of after the features, at each unit", figure)
    inner, ring = shift_deviation(stacks["zeros"], x), circular_shift_deviation(stacks["circular"], x)
    page.say(
        f"""The middle part under zero padding, the units that do not see the border, obeys to {inner:.1g}, the ring to
        {ring:.1g}. (The image's border includes what the shift rolls over the edge.) By 1 the output would have to
        move by half a unit, and does not know how: the third part compares it with what it was before."""
    )


def invariance(page: Page, data: Dataset) -> None:
    """How much pooling forgives."""
    torch.manual_seed(0)
    digits = data.validation.gather(torch.randperm(len(data.validation))[:256]).x
    convolution = nn.Conv2d(1, 8, 5, padding=2, padding_mode="circular")
    rows = []
    for window in (1, 2, 4, 7, 14, 28):
        with torch.no_grad():
            y, moved = (max_pool(convolution(x).relu(), window) for x in (digits, digits.roll((1, 1), (2, 3))))
        other = y.roll(1, 0)
        rows.append((f"{window} x {window}", f"{float((moved - y).norm() / (other - y).norm()):.2f}"))
    page.say(
        """A shift by less than J, then, is not undone, only softened. Change of the features of 256 digits under a
        shift by one pixel along both axes, in units of their distance to the features of another digit (fresh 5 x 5
        kernels, rectifier, maximum, circular padding): the larger the window the smaller the change, and it is nothing
        only where one window covers the ring."""
    )
    page.table(("pooling window", "change"), rows)


def _stack(mode: PaddingMode) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2, padding_mode=mode),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 5, padding=2, padding_mode=mode),
    ).double()


def _numbers(x: Tensor) -> str:
    return ", ".join(f"{v:g}" for v in x.flatten().tolist())
