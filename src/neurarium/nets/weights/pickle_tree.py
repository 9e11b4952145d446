"""Read the tree of a state dict out of a pickle without unpickling: nothing named in the file is imported or called.

A pickle is a program for a stack machine. Python's own machine lets a file call any function, which is how a weight
file from a stranger could run code. The machine here knows numbers, text, tuples, lists and dicts, and of all calls
just those that `torch.save` writes for tensors, by name alone. Whatever else a file asks for becomes a `Foreign`, a
name and no more.

Departs from `torch.load(weights_only=True)`, which restricts Python's machine instead: no list of harmless classes
has to be trusted here, and no pickle is loaded.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from typing import Any

import torch

DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


@dataclass(frozen=True)
class Storage:
    """A run of numbers that tensors are cut from."""

    dtype: torch.dtype
    key: str
    count: int


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies in its storage."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class Foreign:
    """Something that only code named in the file could make."""

    name: str


_MARK = object()
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {
    "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BINSTRING", "SHORT_BINSTRING",
}  # fmt: skip
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_SET": set}
_PUTS, _GETS = {"BINPUT", "LONG_BINPUT", "PUT"}, {"BINGET", "LONG_BINGET", "GET"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_tree(file: BufferedReader | BytesIO, storages: dict[str, Storage] | None = None) -> Any:
    """Read one pickle from where `file` stands to its end.

    Args:
        file: the pickle.
        storages: filled with every storage that the pickle names, by its key.

    Returns:
        Dicts, lists, tuples, numbers and text; a `StoredTensor` for every tensor, a `Foreign` for any other object.

    Raises:
        ValueError, IndexError, KeyError, TypeError: damaged, or a pickle such as `torch.save` does not write.

    Example:
        >>> import pickle
        >>> read_tree(BytesIO(pickle.dumps({"epoch": 3, "call": print}, protocol=2)))
        {'epoch': 3, 'call': Foreign(name='__builtin__ print')}
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}

    def since_mark() -> list[Any]:
        at = len(stack) - 1 - stack[::-1].index(_MARK)
        items = stack[at + 1 :]
        del stack[at:]
        return items

    for operation, argument, _ in pickletools.genops(file):
        name = operation.name
        if name in ("PROTO", "FRAME"):
            continue
        if name == "STOP":
            return stack.pop()
        if name == "MARK":
            stack.append(_MARK)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _VALUES:
            stack.append(argument)
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _PUTS:
            memo[int(str(argument))] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in _GETS:
            stack.append(memo[int(str(argument))])
        elif name == "TUPLE":
            stack.append(tuple(since_mark()))
        elif name in _TUPLES:
            items = [stack.pop() for _ in range(_TUPLES[name])]
            stack.append(tuple(reversed(items)))
        elif name in ("APPENDS", "ADDITEMS", "SETITEMS"):
            _put_into(since_mark(), stack)
        elif name in ("APPEND", "SETITEM"):
            count = 1 if name == "APPEND" else 2
            items = stack[-count:]
            del stack[-count:]
            _put_into(items, stack)
        elif name == "GLOBAL":
            stack.append(Foreign(str(argument)))
        elif name == "STACK_GLOBAL":
            last, module = stack.pop(), stack.pop()
            stack.append(Foreign(f"{module} {last}"))
        elif name in ("REDUCE", "NEWOBJ"):
            arguments, maker = stack.pop(), stack.pop()
            stack.append(_made(maker, arguments))
        elif name == "BUILD":  # attributes of an object, such as the version numbers of a state dict
            stack.pop()
        elif name == "BINPERSID":
            stack.append(_referred(stack.pop(), storages))
        else:
            raise ValueError(f"operation {name}, which no state dict needs")
    raise ValueError("a pickle that breaks off")


def _put_into(items: list[Any], stack: list[Any]) -> None:
    target = stack[-1]
    if isinstance(target, dict):
        target.update(zip(items[::2], items[1::2], strict=True))
    elif isinstance(target, list):
        target.extend(items)
    elif isinstance(target, set):
        target.update(items)
    elif not isinstance(target, Foreign):
        raise TypeError(f"items for a {type(target).__name__}")


def _made(maker: Any, arguments: Any) -> Any:
    if not isinstance(maker, Foreign):
        raise TypeError(f"a call of {maker!r}")
    if maker.name == "collections OrderedDict":
        return dict(*arguments)
    if maker.name == "torch._utils _rebuild_parameter":
        return arguments[0]
    if maker.name == "torch._utils _rebuild_tensor_v2":
        storage, offset, size, stride = arguments[:4]
        if not isinstance(storage, Storage) or len(size) != len(stride):
            raise TypeError("a tensor without numbers")
        return StoredTensor(storage, int(offset), tuple(map(int, size)), tuple(map(int, stride)))
    return maker


def _referred(identity: Any, storages: dict[str, Storage] | None) -> Storage | Foreign:
    kind, maker = identity[:2]
    if kind not in ("storage", "module") or not isinstance(maker, Foreign):
        raise ValueError(f"a reference to {kind!r}")
    if kind == "module":  # a class with its source text, which old files hold
        return maker
    key, _, count = identity[2:5]
    storage = Storage(DTYPES[maker.name.removeprefix("torch ")], str(key), int(count))
    if storages is not None:
        storages[storage.key] = storage
    return storage
