"""The number whose gradient a trace sends back: a loss given, or the usual one for targets of this kind."""

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from neurarium.checks import ConfigError, DataError, ShapeError, UserError
from neurarium.learning.losses import Criterion, cross_entropy
from neurarium.learning.trace.structure import floats_in

Loss: TypeAlias = Criterion | Callable[[Any, Any], Tensor]


def loss_of(loss: Loss | None, outputs: Any, targets: Any, seed: int) -> Tensor:
    """Compute a loss of the outputs, by default that which `default_loss` takes.

    Raises ShapeError: targets do not match the outputs, or the loss is no scalar; ConfigError: nothing to compute a
    loss of, a loss without targets, or no gradient can come from it.
    """
    floats = floats_in(outputs)
    if not floats:
        raise ConfigError("net", expected="floating-point outputs", got=type(outputs).__name__)
    if loss is not None and targets is None:
        raise ConfigError("targets", expected="targets for the loss given", got="none", remedy="pass them or no loss")
    if loss is None and isinstance(targets, tuple):  # of a batch without targets, or with several
        if targets:
            raise ConfigError(
                "loss", expected=f"one that takes {len(targets)} targets", got="none", remedy="pass loss="
            )
        targets = None
    try:
        if loss is None:
            value = default_loss(floats[0], targets, seed)
        else:
            value = loss.loss(outputs, targets, None) if isinstance(loss, Criterion) else loss(outputs, targets)
    except UserError:
        raise
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        shapes = " and ".join(str(tuple(x.shape)) for x in floats_in(outputs))
        given = tuple(targets.shape) if isinstance(targets, Tensor) else type(targets).__name__
        raise ShapeError(
            "targets", expected=f"what the loss takes with outputs {shapes}",
            got=f"{given} ({str(error).splitlines()[0]})", remedy="pass targets and a loss that fit the net",
        ) from error  # fmt: skip
    if value.numel() != 1:
        raise ShapeError("loss", expected="a scalar", got=f"shape {tuple(value.shape)}", remedy="take its mean")
    if not value.requires_grad:
        raise ConfigError(
            "net", expected="outputs that gradients come back from", got="a loss that depends on no layer",
            remedy="remove torch.no_grad() or detach() from its forward",
        )  # fmt: skip
    return value.reshape(())


def default_loss(outputs: Tensor, targets: Tensor | None, seed: int = 0) -> Tensor:
    """Cross-entropy for class numbers, half the mean squared error for floats, else a sum with random weights.

    Without targets every output gets a standard normal weight, drawn from `seed`, over the number of outputs. Their
    squares would not do: those of a normalized layer sum to a constant, from which no error comes back.

    Example:
        >>> default_loss(torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, 1.0]]))  # (4 + 0) / 2 / 2
        tensor(1.)

    Raises ShapeError: targets do not match the outputs; DataError: a class number that no output stands for.
    """
    if targets is None:
        weights = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(seed))
        return (outputs * weights.to(outputs)).mean()
    if targets.is_floating_point():
        if targets.shape != outputs.shape:
            raise ShapeError("targets", expected=f"shape {tuple(outputs.shape)}", got=str(tuple(targets.shape)))
        return F.mse_loss(outputs, targets) / 2
    if outputs.dim() != 2 or targets.dim() != 1:
        raise ShapeError(
            "targets", expected=f"a loss for outputs {tuple(outputs.shape)} and targets {tuple(targets.shape)}",
            got="none", remedy="pass loss=",
        )  # fmt: skip
    classes = outputs.shape[1]
    if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < classes:
        raise DataError(
            "targets", expected=f"class numbers from 0 to {classes - 1}", got=str(targets.unique().tolist())
        )
    return cross_entropy(outputs, targets)
