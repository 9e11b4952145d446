"""The worked example of notes 003, every number: forward, error signal, new weights, forward again.

    inputs A = 0.35, B = 0.9, target 0.5, eta = 1; two hidden sigmoid units, one sigmoid output, no biases

        A --w3-- top    --w1--
        B --w4-- top           \\
                                output y
        A --w5-- bottom        /
        B --w6-- bottom --w2--

    error E = (y - t)^2 / 2,    delta = dE/dnet = (y - t) y (1 - y),    delta_h = delta w_h h (1 - h)
    w1, w2 <- w_h - eta delta h,    w3 .. w6 <- w - eta delta_h input

All weights move by the gradient at the old weights, so that delta_h takes the old w1 and w2.

Departs from the notes: they go on with rounded numbers (delta = 0.0406 for 0.04068...), which puts their 0.272392 and
0.87305 off by 0.00007 and 0.00005; they leave the hidden weights as "?" (errata E20). Which hidden weight is
called w3 their formula says; w4, w5, w6 are taken in the order of the drawing above.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.learning.backprop.elementwise import sigmoid_backward, sigmoid_forward
from neurarium.learning.backprop.linear import linear_backward, linear_forward
from neurarium.learning.backprop.losses import squared_error_backward, squared_error_forward

INPUT = (0.35, 0.9)
TARGET = 0.5
ETA = 1.0
HIDDEN_WEIGHTS = ((0.1, 0.8), (0.4, 0.6))
OUTPUT_WEIGHTS = ((0.3, 0.9),)


@dataclass(frozen=True)
class WorkedLine:
    """One number of the example.

    Attributes:
        part: which part of the question it answers.
        printed: what the notes print for it; "?" where they leave it open, empty where they do not have it.
    """

    part: str
    name: str
    formula: str
    value: float
    printed: str = ""


@dataclass(frozen=True)
class _Pass:
    """Numbers of a pass forward and back."""

    hidden_net: Tensor
    hidden: Tensor
    output_net: Tensor
    output: Tensor
    loss: Tensor
    output_signal: Tensor
    hidden_signal: Tensor
    hidden_gradient: Tensor
    output_gradient: Tensor


def worked_example() -> list[WorkedLine]:
    """The example line by line, computed by the rules of this package in float64.

    Example:
        >>> lines = worked_example()
        >>> [round(line.value, 6) for line in lines if line.name in ("y", "y+")]
        [0.690283, 0.682019]
    """
    hidden_weights = torch.tensor(HIDDEN_WEIGHTS, dtype=torch.float64)
    output_weights = torch.tensor(OUTPUT_WEIGHTS, dtype=torch.float64)
    first = _forward_and_back(hidden_weights, output_weights)
    hidden_after = hidden_weights - ETA * first.hidden_gradient
    output_after = output_weights - ETA * first.output_gradient
    second = _forward_and_back(hidden_after, output_after)
    return [*_forward_lines(first), *_backward_lines(first, hidden_after, output_after), *_again_lines(first, second)]


def worked_example_text() -> str:
    """The example as a table to print: name, value, what the notes print, formula."""
    lines = worked_example()
    names = max(len(line.name) for line in lines)
    values = max(len(repr(line.value)) for line in lines)
    printed = max(len(line.printed) for line in lines)
    text = [f"Worked example of back-propagation: A = {INPUT[0]}, B = {INPUT[1]}, target {TARGET}, eta = {ETA:g}"]
    part = ""
    for line in lines:
        if line.part != part:
            part = line.part
            heading = f"{'':{names}}   {'value':{values}}   {'rounded':{printed}}   formula"
            text += ["", part, f"  {heading}"]
        row = f"{line.name:{names}} = {line.value!r:{values}}   {line.printed:{printed}}   {line.formula}"
        text.append(f"  {row}")
    text += [
        "",
        "rounded: as printed where the example is from, which goes on with rounded numbers (0.0406 for delta); so its",
        "w1+ and w2+ are off by 0.00007 and 0.00005.",
        "Every weight here moves by the gradient at the old weights.",
    ]
    return "\n".join(text)


def _forward_and_back(
    hidden_weights: Float[Tensor, "hidden inputs"], output_weights: Float[Tensor, "outputs hidden"]
) -> _Pass:
    x = torch.tensor([INPUT], dtype=torch.float64)
    hidden_net, hidden_linear = linear_forward(x, hidden_weights)
    hidden, hidden_sigmoid = sigmoid_forward(hidden_net)
    output_net, output_linear = linear_forward(hidden, output_weights)
    output, output_sigmoid = sigmoid_forward(output_net)
    loss, error = squared_error_forward(output, torch.full_like(output, TARGET))
    output_signal = sigmoid_backward(squared_error_backward(1.0, error), output_sigmoid)
    below, output_gradient, _ = linear_backward(output_signal, output_linear)
    assert below is not None
    hidden_signal = sigmoid_backward(below, hidden_sigmoid)
    _, hidden_gradient, _ = linear_backward(hidden_signal, hidden_linear, to_input=False)
    return _Pass(
        hidden_net[0],
        hidden[0],
        output_net[0],
        output[0],
        loss,
        output_signal[0],
        hidden_signal[0],
        hidden_gradient,
        output_gradient,
    )


def _forward_lines(p: _Pass) -> list[WorkedLine]:
    part = "(i) forward pass"
    return [
        WorkedLine(part, "net1", "w3 A + w4 B = 0.1 * 0.35 + 0.8 * 0.9", p.hidden_net[0].item(), "0.755"),
        WorkedLine(part, "h1", "sigmoid(net1)", p.hidden[0].item(), "0.68"),
        WorkedLine(part, "net2", "w5 A + w6 B = 0.4 * 0.35 + 0.6 * 0.9", p.hidden_net[1].item(), "0.68"),
        WorkedLine(part, "h2", "sigmoid(net2)", p.hidden[1].item(), "0.6637"),
        WorkedLine(part, "net", "w1 h1 + w2 h2 = 0.3 h1 + 0.9 h2", p.output_net[0].item(), "0.80133"),
        WorkedLine(part, "y", "sigmoid(net)", p.output[0].item(), "0.69"),
        WorkedLine(part, "E", "(y - t)^2 / 2", p.loss.item()),
    ]


def _backward_lines(p: _Pass, hidden_after: Tensor, output_after: Tensor) -> list[WorkedLine]:
    part = "(ii) reverse pass"
    w1, w2 = output_after[0].tolist()
    (w3, w4), (w5, w6) = hidden_after.tolist()
    return [
        WorkedLine(part, "delta", "(y - t) y (1 - y)", p.output_signal[0].item()),
        WorkedLine(part, "w1+", "w1 - eta delta h1", w1, "0.272392"),
        WorkedLine(part, "w2+", "w2 - eta delta h2", w2, "0.87305"),
        WorkedLine(part, "delta1", "delta w1 h1 (1 - h1)", p.hidden_signal[0].item()),
        WorkedLine(part, "delta2", "delta w2 h2 (1 - h2)", p.hidden_signal[1].item()),
        WorkedLine(part, "w3+", "w3 - eta delta1 A", w3, "?"),
        WorkedLine(part, "w4+", "w4 - eta delta1 B", w4, "?"),
        WorkedLine(part, "w5+", "w5 - eta delta2 A", w5, "?"),
        WorkedLine(part, "w6+", "w6 - eta delta2 B", w6, "?"),
    ]


def _again_lines(first: _Pass, p: _Pass) -> list[WorkedLine]:
    part = "(iii) further forward pass"
    return [
        WorkedLine(part, "net1+", "w3+ A + w4+ B", p.hidden_net[0].item()),
        WorkedLine(part, "h1+", "sigmoid(net1+)", p.hidden[0].item()),
        WorkedLine(part, "net2+", "w5+ A + w6+ B", p.hidden_net[1].item()),
        WorkedLine(part, "h2+", "sigmoid(net2+)", p.hidden[1].item()),
        WorkedLine(part, "net+", "w1+ h1+ + w2+ h2+", p.output_net[0].item()),
        WorkedLine(part, "y+", "sigmoid(net+)", p.output[0].item()),
        WorkedLine(part, "E+", "(y+ - t)^2 / 2", p.loss.item()),
        WorkedLine(part, "E+ - E", "below 0: the step reduced the error", p.loss.item() - first.loss.item()),
    ]
