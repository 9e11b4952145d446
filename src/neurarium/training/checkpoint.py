"""Checkpoints that survive a kill, a full disk and a flipped bit.

A checkpoint is a safetensors file and a JSON manifest beside it that names the file's length and SHA-256, holds all
plain values and the checksums of the recipe and the schema; the manifest carries a checksum of its own. The tensors are
written first, the manifest last, each to a temporary file that is flushed and renamed: a checkpoint exists when its
manifest does. Nothing is unpickled, ever.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from neurarium.checks import RunError
from neurarium.record.files import storage_errors, write_atomic
from neurarium.record.sealed import read_json, write_json

FORMAT = 2
_REMEDY = "use an earlier checkpoint or train anew"


@dataclass(frozen=True)
class Checkpoint:
    """Named tensors and plain values, read and verified; `origin` as in `save_checkpoint`."""

    tensors: dict[str, Tensor]
    values: dict[str, Any]
    origin: dict[str, str] = field(default_factory=dict)


def save_checkpoint(
    path: Path, tensors: Mapping[str, Tensor], values: Mapping[str, Any], origin: Mapping[str, str] | None = None
) -> None:
    """Write `path`.safetensors and then `path`.json.

    `origin`: checksums of the recipe and of the schema that they were learned by, by the names of their files.
    Raises StorageError: the disk does not take it; what was there before is still whole.
    """
    content = safetensors.torch.save(_apart(tensors))
    file = path.with_suffix(".safetensors")
    manifest = {
        "format": FORMAT,
        "tensors": file.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "origin": dict(origin or {}),
        "values": dict(values),
    }
    write_atomic(file, content)
    write_json(path.with_suffix(".json"), manifest)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read and verify a checkpoint. Raises RunError: it is missing, truncated or damaged; says which file and how."""
    manifest_path = path.with_suffix(".json")
    manifest = read_json(manifest_path, "a whole checkpoint", _REMEDY)
    if manifest.get("format") != FORMAT:
        raise _damaged(manifest_path, f"format {manifest.get('format')}, this version reads {FORMAT}")
    file = manifest_path.with_name(manifest["tensors"])
    try:
        content = file.read_bytes()
    except OSError as error:
        raise _damaged(file, error.strerror or "nothing") from error
    if len(content) != manifest["bytes"]:
        raise _damaged(file, f"{len(content):,} bytes instead of {manifest['bytes']:,}")
    if hashlib.sha256(content).hexdigest() != manifest["sha256"]:
        raise _damaged(file, "contents that differ from their checksum")
    try:
        return Checkpoint(safetensors.torch.load(content), manifest["values"], manifest["origin"])
    except SafetensorError as error:
        raise _damaged(file, str(error)) from error


def step_path(folder: Path, step: int, epoch: int) -> Path:
    """Path, without ending, of the checkpoint after `step` updates with `epoch` under way.

    The epoch stands in the name because its end moves on without a step, and no checkpoint is ever written over.
    """
    return folder / f"step-{step:010d}-epoch-{epoch:06d}"


def saved_steps(folder: Path) -> list[Path]:
    """Paths, without ending, of the checkpoints in a folder, newest first."""
    return sorted((path.with_suffix("") for path in folder.glob("step-*.json")), reverse=True)


def load_newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """Read the newest checkpoint that is whole.

    Returns the checkpoint, `None` when there is none yet, and a line for each damaged one that was passed over.
    Raises RunError: there are checkpoints and all are damaged.
    """
    passed: list[str] = []
    for path in saved_steps(folder):
        try:
            return load_checkpoint(path), passed
        except RunError as error:
            passed.append(f"{error}")
    if passed:
        raise RunError(
            str(folder), expected="a whole checkpoint", got=f"{len(passed)} damaged ones", remedy="start the run anew"
        )
    return None, passed


def prune(folder: Path, keep: int) -> None:
    """Remove all but the newest `keep` checkpoints, and tensors without a manifest."""
    with storage_errors(folder):
        for path in saved_steps(folder)[keep:]:
            # manifest first: tensors without a manifest are no checkpoint, a manifest without tensors is a damaged one
            path.with_suffix(".json").unlink(missing_ok=True)
            path.with_suffix(".safetensors").unlink(missing_ok=True)
        named = {path.name for path in saved_steps(folder)}
        for file in folder.glob("step-*.safetensors"):
            if file.stem not in named:
                file.unlink(missing_ok=True)


def pack(tree: Any, tensors: dict[str, Tensor], path: str) -> Any:
    """Move a nested state's tensors into `tensors` and return the rest as JSON can hold it.

    Example:
        >>> import torch
        >>> tensors = {}
        >>> pack({"a": 1, "m": {"b": torch.ones(2)}}, tensors, "rule")
        {'a': 1, 'm': {'b': {'tensor': 'rule/m/b'}}}
        >>> list(tensors)
        ['rule/m/b']
    """
    if isinstance(tree, Tensor):
        tensors[path] = tree
        return {"tensor": path}
    if isinstance(tree, Mapping):
        return {key: pack(value, tensors, f"{path}/{key}") for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [pack(value, tensors, f"{path}/{i}") for i, value in enumerate(tree)]
    return tree


def unpack(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Put the tensors back; the inverse of `pack`."""
    if isinstance(tree, Mapping):
        if set(tree) == {"tensor"}:
            return tensors[tree["tensor"]]
        return {key: unpack(value, tensors) for key, value in tree.items()}
    if isinstance(tree, list):
        return [unpack(value, tensors) for value in tree]
    return tree


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on the CPU, each in memory of its own: tied weights, a rule's point that is its base too."""
    found: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        here = tensor.detach().cpu().contiguous()
        storage = here.untyped_storage().data_ptr()
        found[name] = here.clone() if storage in seen else here
        seen.add(storage)
    return found


def _damaged(path: Path, got: str) -> RunError:
    return RunError(str(path), expected="a whole checkpoint", got=got, remedy=_REMEDY)
