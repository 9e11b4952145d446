"""A trained net made ready to answer quickly: batch normalization folded, images channels-last, bfloat16 where it pays.

    y' = f(x; W'),    |y' - y| <= tolerance |y|    with y = f(x; W) the logits of the net as it was

1. Batch normalizations become part of the layers before them (`nets.convolutional.folding`).
2. Weights and images are laid out channels-last, as `DeviceConfig.place` has it.
3. Rectifiers overwrite the maps that were made for them alone (`nets.convolutional.in_place`).
4. Convolutions and linear layers compute in bfloat16 where the processor multiplies it faster than float32: numbers of
   8 significant bits, their sums in float32. The normalizations that stay keep their parameters in float32, and the
   last linear layer all its numbers: logits rounded to 8 bits would tie.

bfloat16 changes logits, and a class that leads by less than the change may lose its lead. Given examples (`probe`),
both are measured, and where they do not hold float32 is taken instead.

Source: D. Kalamkar et al., "A study of BFLOAT16 for deep learning training", 2019.
"""

import contextlib
import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from neurarium.checks import ConfigError, choose
from neurarium.nets.convolutional.folding import batch_norms, fold_batch_norm
from neurarium.nets.convolutional.in_place import rectify_in_place_
from neurarium.nets.evaluating import evaluating
from neurarium.training.device import DeviceConfig
from neurarium.training.matrix_products import LEAST_WORK
from neurarium.training.number_format import fast_bfloat16

TOLERANCE: Mapping[str, float] = {"float32": 1e-4, "bfloat16": 5e-2}
"""Largest |y' - y| / |y| over the logits of a batch (Euclidean length), by precision.

Roundings of independent sign add up to about the square root of the depth times 2^-9 in bfloat16: 0.014 for 50 layers,
several times that where the output layer lives on small differences of its inputs.
"""


@dataclass(frozen=True)
class InferenceChoice:
    """What was chosen for a net, and why.

    Attributes:
        folded: batch normalizations that are part of another layer now.
        deviation: |y' - y| / |y| on the probe; none without one.
        same_classes: fraction of the probe's examples whose largest logit is the same.
    """

    precision: str
    reason: str
    folded: int
    kept: int
    deviation: float | None = None
    same_classes: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the probe, if any, found the logits within the tolerance and every class the same."""
        return self.deviation is None or (self.deviation <= TOLERANCE[self.precision] and self.same_classes == 1)

    def in_words(self) -> str:
        """One line for people."""
        words = [f"{self.precision} ({self.reason})", "channels-last"]
        if norms := self.folded + self.kept:
            words.append(f"{self.folded} of {norms} batch normalizations folded")
        if self.deviation is not None:
            words.append(f"logits within {self.deviation:.2g} of their length, {self.same_classes:.1%} same classes")
        return ", ".join(words)


class FastNet(nn.Module):
    """A net made ready; only `prepared_for_inference` makes it."""

    def __init__(self, net: nn.Module, device_config: DeviceConfig, choice: InferenceChoice) -> None:
        super().__init__()
        self.net = net
        self.device_config = device_config
        self.choice = choice
        self.largest_linear = max((m.weight.numel() for m in net.modules() if isinstance(m, nn.Linear)), default=0)

    @torch.inference_mode()
    def forward(self, x: Float[Tensor, "batch *example"]) -> Float[Tensor, "batch *output"]:
        """Outputs in float32, on the net's device, without a gradient."""
        x = x.to(self.device_config.device)
        if x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        # faster products of float32 matrices are asked for in every call of torch: not where no matrix is large enough
        small = self.device_config.precision == "float32" and len(x) * self.largest_linear < LEAST_WORK
        with contextlib.nullcontext() if small else self.device_config.autocast():
            outputs: Tensor = self.net(x)
        return outputs.float()


def prepared_for_inference(
    net: nn.Module,
    device_config: DeviceConfig,
    precision: str = "auto",
    probe: Float[Tensor, "batch *example"] | None = None,
) -> FastNet:
    """A copy of a trained net that answers as it does in evaluation mode, faster.

    A net whose batch normalizations stand where it is not known what comes before (torchvision's own ResNet) is not
    folded, and all else is done.

    Args:
        net: from one tensor to one tensor, with float32 weights; stays as it is.
        device_config: where to compute; its precision, which is that of training, is not asked.
        precision: "float32", "bfloat16", or "auto": bfloat16 where the processor has it (`fast_bfloat16`) and the
            probe, if any, holds.
        probe: examples as the net takes them, a few dozen; the outcome is in `choice` of the net that comes back.
    Raises ConfigError: an unknown precision, or weights in another format than float32.

    Example:
        >>> from neurarium.nets.convolutional.resnet import ResNet
        >>> fast = prepared_for_inference(ResNet(20, outputs=10), DeviceConfig(torch.device("cpu")), "float32")
        >>> fast.choice.in_words()
        'float32 (as asked), channels-last, 19 of 19 batch normalizations folded'
        >>> fast(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 10])
    """
    if precision != "auto":
        choose(precision, TOLERANCE, "precision of inference (or auto)")
    others = {str(p.dtype) for p in net.parameters() if p.is_floating_point() and p.dtype != torch.float32}
    if others:
        raise ConfigError("net", expected="float32 weights", got=", ".join(sorted(others)), remedy="call net.float()")
    if precision == "auto":
        feature = fast_bfloat16(device_config.device)
        first = ("bfloat16", feature) if feature else ("float32", f"no fast bfloat16 on {device_config.device.type}")
    else:
        first = (precision, "as asked")
    fast = _prepared(net, device_config, *first)
    if probe is None:
        return fast
    expected = _answers(net, probe)
    fast.choice = _measured(fast, probe, expected)
    if precision == "auto" and fast.choice.precision == "bfloat16" and not fast.choice.holds:
        reason = f"bfloat16 moved logits by {fast.choice.deviation:.2g}, {fast.choice.same_classes:.1%} same classes"
        fast = _prepared(net, device_config, "float32", reason)
        fast.choice = _measured(fast, probe, expected)
    return fast


def _prepared(net: nn.Module, device_config: DeviceConfig, precision: str, reason: str) -> FastNet:
    norms = len(batch_norms(net))
    try:
        fast = fold_batch_norm(net)
    except ConfigError:
        fast = copy.deepcopy(net).eval()
    kept = len(batch_norms(fast))
    rectify_in_place_(fast)
    device_config = dataclasses.replace(device_config, precision=precision)
    if precision == "bfloat16":
        _use_bfloat16_(fast)
    return FastNet(
        device_config.place(fast), device_config, InferenceChoice(precision, reason, norms - kept, kept)
    ).eval()


class _Float32Linear(nn.Linear):
    """A linear layer that computes in float32 whatever surrounds it."""

    def forward(self, input: Tensor) -> Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return F.linear(input.float(), self.weight, self.bias)


def _use_bfloat16_(net: nn.Module) -> None:
    """Store the weights of convolutions and linear layers in bfloat16, so that none is converted in a call."""
    linears = [name for name, m in net.named_modules() if type(m) is nn.Linear]
    if linears and linears[-1]:
        last = net.get_submodule(linears[-1])
        assert isinstance(last, nn.Linear)
        output = _Float32Linear(last.in_features, last.out_features, last.bias is not None, device="meta")
        output.weight, output.bias = last.weight, last.bias
        net.set_submodule(linears[-1], output.eval())
    for module in net.modules():
        if isinstance(module, _ConvNd | nn.Linear) and not isinstance(module, _Float32Linear):
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.bfloat16()


def _answers(net: nn.Module, probe: Tensor) -> Tensor:
    """What the net itself says, in evaluation mode."""
    device = next((p.device for p in net.parameters()), probe.device)
    with evaluating(net), torch.inference_mode():
        outputs: Tensor = net(probe.to(device))
    return outputs.cpu()


def _measured(fast: FastNet, probe: Tensor, expected: Tensor) -> InferenceChoice:
    got = fast(probe).cpu()
    same = (got.argmax(1) == expected.argmax(1)).float().mean()
    return dataclasses.replace(
        fast.choice, deviation=float((got - expected).norm() / expected.norm()), same_classes=float(same)
    )
