"""Write a trained net for use elsewhere: torch.export, ONNX or plain safetensors.

The first two hold the scaling as well: they take raw inputs (pixels 0 to 255) in batches of any size and return logits.
"""

import copy
import io
import json
from pathlib import Path

import safetensors.torch
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from neurarium.checks import ConfigError, choose
from neurarium.record.files import write_atomic
from neurarium.record.schema import Field
from neurarium.training.run import Run

ENDINGS = {"torch-export": ".pt2", "onnx": ".onnx", "safetensors": ".safetensors"}


class InferenceModel(nn.Module):
    """A net with its scaling in front: raw inputs in, logits out."""

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, field: Field) -> None:
        super().__init__()
        self.net = net
        per_channel = (-1, *[1] * field.trailing)
        self.register_buffer("mean", torch.tensor(field.mean or (0.0,)).view(per_channel))
        self.register_buffer("std", torch.tensor(field.std or (1.0,)).view(per_channel))

    def forward(self, inputs: Shaped[Tensor, "batch *shape"]) -> Float[Tensor, "batch *answer"]:
        """Scale and run."""
        return self.net((inputs - self.mean) / self.std)


def export(run: Run, to: str, path: str | Path | None = None) -> Path:
    """Write a run's net in another format.

    Args:
        to: "torch-export", "onnx" or "safetensors" (weights alone, with the schema as metadata).
        path: the file; none: `model.pt2`, `model.onnx` or `model.safetensors` in the run folder.
    Raises ConfigError: unknown format, a net that cannot be traced, or a package that the format needs is not
    installed; ShapeError: a net that does not take one tensor of numbers, for other formats than safetensors;
    StorageError: the file cannot be written.
    """
    ending = choose(to, ENDINGS, subject="export format")
    path = Path(path) if path is not None else run.folder / f"model{ending}"
    if to == "safetensors":
        content = _safetensors(run)
    else:
        # a copy in the usual memory layout: the run's own net stays where and as it is
        field = run.schema.dense(f"export to {to}", remedy="--to safetensors writes the weights of any net")
        net = InferenceModel(copy.deepcopy(run.net).cpu(), field)
        net.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        example = torch.zeros(2, *field.fixed_shape)
        try:
            content = _torch_export(net.eval(), example) if to == "torch-export" else _onnx(net.eval(), example)
        except RuntimeError as error:
            raise ConfigError(
                f"export to {to}",
                expected="a net whose computation does not hang on the numbers that it sees",
                got=f"{type(run.net).__name__}, which torch cannot trace",
                remedy="--to safetensors writes its weights",
            ) from error
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
    metadata = {"recipe": run.recipe.name, "schema": json.dumps(run.schema.to_plain())}
    return safetensors.torch.save(state, metadata)
