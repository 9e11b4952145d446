"""Write a trained net for use elsewhere: torch.export, ONNX or plain safetensors.

The first two hold the scaling as well: they take raw inputs (pixels 0 to 255) in batches of any size and return logits.
"""

import copy
import io
import json
from pathlib import Path
from typing import Literal

import safetensors.torch
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from neurarium.checks import ConfigError, choose
from neurarium.data.scaling import Scaling
from neurarium.record.files import write_atomic
from neurarium.training.run import Run

ExportFormat = Literal["torch-export", "onnx", "safetensors"]
ENDINGS = {"torch-export": ".pt2", "onnx": ".onnx", "safetensors": ".safetensors"}


class Deployed(nn.Module):
    """A net with its scaling in front: raw inputs in, logits out."""

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, scaling: Scaling, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.net = net
        per_channel = (-1, *[1] * (len(shape) - 1))
        self.register_buffer("mean", torch.tensor(scaling.mean).view(per_channel))
        self.register_buffer("std", torch.tensor(scaling.std).view(per_channel))

    def forward(self, inputs: Shaped[Tensor, "batch *shape"]) -> Float[Tensor, "batch classes"]:
        """Scale and run."""
        return self.net((inputs - self.mean) / self.std)


def export(run: Run, to: str, path: str | Path | None = None) -> Path:
    """Write a run's net in another format.

    Args:
        run: a trained run.
        to: "torch-export", "onnx" or "safetensors" (weights alone, with classes and scaling as metadata).
        path: the file; none: `model.pt2`, `model.onnx` or `model.safetensors` in the run folder.

    Returns:
        The file written.

    Raises:
        ConfigError: unknown format, or a package that the format needs is not installed.
        StorageError: the file cannot be written.
    """
    ending = choose(to, ENDINGS, subject="export format")
    path = Path(path) if path is not None else run.folder / f"model{ending}"
    if to == "safetensors":
        content = _safetensors(run)
    else:
        # a copy in the usual memory layout: the run's own net stays where and as it is
        net = Deployed(copy.deepcopy(run.net).cpu(), run.scaling, run.shape)
        net.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        example = torch.zeros(2, *run.shape)
        content = _torch_export(net.eval(), example) if to == "torch-export" else _onnx(net.eval(), example)
    write_atomic(path, content)
    return path


def _torch_export(net: nn.Module, example: Tensor) -> bytes:
    program = torch.export.export(net, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return buffer.getvalue()


def _onnx(net: nn.Module, example: Tensor) -> bytes:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "export to onnx",
            expected="the packages onnx and onnxscript",
            got=f"no {error.name}",
            remedy="pip install 'neurarium[export]'",
        ) from error
    program = torch.onnx.export(
        net,
        (example,),
        input_names=["inputs"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    return program.model_proto.SerializeToString()


def _safetensors(run: Run) -> bytes:
    state = {name: tensor.cpu().contiguous() for name, tensor in run.net.state_dict().items()}
    metadata = {
        "recipe": run.recipe.name,
        "classes": json.dumps(run.classes),
        "shape": json.dumps(run.shape),
        "scaling": json.dumps(run.scaling.to_dict()),
    }
    return safetensors.torch.save(state, metadata)
