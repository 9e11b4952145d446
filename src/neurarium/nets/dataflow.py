"""A watch over every operation while a net runs: what each tensor has seen of the input, and what it cost.

- a window (convolution, pooling) enlarges the field of the axes it slides over,
- what sums or normalises over a dimension (matrix product, mean, softmax) has seen all that lies along it,
- reshaping and transposing move the layout only; so does an element-by-element operation, which unites what its
  operands have seen (a shortcut meets its branch),
- an operation that follows none of this leaves "unknown": better no number than a wrong one.

The watch stands below `nn.Module`, at the operations that PyTorch performs, so layers, functions and operators in
`forward` count alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Any, TypeAlias

from torch import Tensor, sparse_coo, sparse_csr, strided
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from neurarium.nets.convolutional.receptive_field import ReceptiveField, Window
from neurarium.nets.seen import Seen, Sight, parts_of, plain, united

Bound: TypeAlias = dict[str, Any]
Report: TypeAlias = Callable[[str, int | None, Tensor, bool], None]

_PRODUCTS = {
    "mm": ("self", "mat2"),
    "addmm": ("mat1", "mat2"),
    "_sparse_addmm": ("mat1", "mat2"),
    "bmm": ("self", "mat2"),
    "baddbmm": ("batch1", "batch2"),
    "mv": ("self", "vec"),
    "addmv": ("mat", "vec"),
    "dot": ("self", "tensor"),
}
_REGROUPINGS = {"view", "_unsafe_view", "_reshape_alias", "unsqueeze", "squeeze"}
_REARRANGEMENTS = {"flip", "roll", "index_select", "gather", "glu"}
_SPLITS = {"split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes", "unbind"}
_UNFOLLOWED = ("index", "_index", "scatter", "take", "linalg", "_linalg", "grid_sampler", "inverse", "cdist")


# What multiplies and adds up by these names is not counted here.
_UNCOUNTED = (
    "linalg", "cdist", "grid_sampler", "trilinear", "addbmm", "_mm", "conv_", "convolution", "attention", "transformer",
    "rnn", "lstm", "gru", "sparse_sparse", "sampled_addmm", "inverse", "cholesky", "triangular_solve",
)  # fmt: skip


def multiply_adds(name: str, bound: Bound, output: Tensor, namespace: str = "aten") -> int | None:
    """Multiplications whose results one operation adds up: convolution, matrix product, attention, LSTM.

    Element-by-element operations, normalization, pooling, Fourier transforms and the addition of a bias count as
    nothing, as is usual.

    Args:
        name: of the operation.
        bound: its arguments by name.
        output: what it made.
        namespace: of the operation; what is not torch's own may do anything.

    Returns:
        Their number; None where this operation is not one that is counted here.
    """
    if name == "convolution":
        each = bound["weight"][0].numel()
        return int(each * (bound["input"] if bound["transposed"] else output).numel())
    if name in _PRODUCTS:
        left, right = (bound[key] for key in _PRODUCTS[name])
        if left.layout == right.layout == strided:
            return int(output.numel() * left.shape[-1])
        if left.layout in (sparse_coo, sparse_csr) and right.layout == strided:  # an entry meets each column once
            return int(left._nnz() * (right.shape[-1] if right.ndim > 1 else 1))
        return None
    if name.startswith("_scaled_dot_product"):
        query, value = bound["query"], bound["value"]
        return int(query.shape[:-1].numel() * value.shape[-2] * (query.shape[-1] + value.shape[-1]))
    if name in ("mkldnn_rnn_layer", "_cudnn_rnn"):
        weights = bound["weight"] if name == "_cudnn_rnn" else (bound["weight0"], bound["weight1"])
        return int(bound["input"].shape[:2].numel() * sum(w.numel() for w in weights if w.ndim > 1))
    if name.startswith("_thnn_fused"):  # the element-by-element end of a recurrent cell
        return 0
    return None if namespace != "aten" or any(part in name for part in _UNCOUNTED) else 0


class Dataflow(TorchDispatchMode):
    """While active, follows every tensor that depends on a watched one.

    Args:
        report: called after every operation with its name, its multiply-adds where they are known, its output, and
            whether units of the output see what no operand had seen.
    """

    def __init__(self, report: Report) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._report = report
        self._seen = WeakIdKeyDictionary()
        self._padding = _WatchPadding(self)
        self._resting = False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Guarding against the compiler would import it, most of a second, for a net that is only run.
        return False

    def watch(self, x: Tensor, axes: Sequence[int]) -> None:
        """Call `x` the input, and its dimensions `axes` the axes to follow."""
        layout = (
            parts_of(n, frozenset([axes.index(dim)]) if dim in axes else frozenset()) for dim, n in enumerate(x.shape)
        )
        self._seen[x] = Seen((ReceptiveField(),) * len(axes), tuple(layout))

    def seen(self, x: Tensor) -> Seen | None:
        """What the units of `x` have seen; None where it does not depend on the input."""
        found: Seen | None = self._seen.get(x)
        return found

    def __enter__(self) -> Dataflow:
        super().__enter__()  # type: ignore[no-untyped-call]
        self._padding.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._padding.__exit__(kind, error, trace)  # type: ignore[no-untyped-call]
        super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Bound | None = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if not self._resting:
            schema = func._schema
            bound = {a.name: a.default_value for a in schema.arguments if a.has_default_value()}
            bound |= dict(zip((a.name for a in schema.arguments), args, strict=False))
            bound |= kwargs or {}
            # a trailing underscore says where the result goes, not what is done
            name = func.overloadpacket.__name__.removesuffix("_")
            self.follow(name, bound, output, overwrites=schema.is_mutable, namespace=func.namespace)
        return output

    def follow(
        self, name: str, bound: Bound, output: Any, *, overwrites: bool = False, namespace: str = "aten"
    ) -> None:
        """Note what the outcome of operation `name` has seen, from its arguments by name."""
        outputs = list(_tensors([output]))
        if not outputs:
            return
        sources = [seen for t in _tensors(bound.values()) if (seen := self.seen(t)) is not None]
        sees_more = False
        if sources:
            found = self._through(name, bound, outputs, sources)
            for tensor, seen in zip(outputs, found, strict=True):
                fits = seen.shape == tuple(tensor.shape)
                self._seen[tensor] = seen = seen if fits else seen.forgotten(tensor.shape)
                if overwrites and tensor._base is not None:
                    # What a part of a larger tensor was overwritten with is not followed into the whole.
                    self._seen[tensor._base] = seen.forgotten(tensor._base.shape)
            before = [_extents(source) for source in sources]
            sees_more = _extents(self._seen[outputs[0]]) not in before
        self._report(name, multiply_adds(name, bound, outputs[0], namespace), outputs[0], sees_more)

    def _through(self, name: str, bound: Bound, outputs: list[Tensor], sources: list[Seen]) -> Iterable[Seen]:
        shape, first = outputs[0].shape, self.seen(next(_tensors(bound.values())))
        if name in _SPLITS and first is not None:
            return _pieces(name, bound["dim"], first, outputs)
        if name in _PRODUCTS:
            found = self._product(name, bound, shape)
        elif name in ("cat", "stack"):
            found = self._joined(name, bound, shape)
        elif name.startswith("_scaled_dot_product"):
            found = self._attention(bound, shape)
        elif name == "embedding":
            found = sources[0].laid((*sources[0].layout, *plain(shape[-1:])))
        elif len(sources) == 1 and first is not None:
            found = _unary(name, bound, first, shape)
        elif name == "convolution":
            found = united(sources, ()).forgotten(shape)
        else:
            found = _elementwise(name, sources, shape)
        return [found] * len(outputs)

    def _product(self, name: str, bound: Bound, shape: Sequence[int]) -> Seen:
        left, right = (self.seen(bound[key]) for key in _PRODUCTS[name])
        operands = []
        if left is not None:
            inner = len(left.layout) - 1
            columns = plain(shape[-1:]) if "mm" in name else ()
            operands.append(left.spread([inner]).laid((*left.layout[:inner], *columns)))
        if right is not None:
            inner = max(len(right.layout) - 2, 0)
            # (rows of the left operand, columns of the right one) for matrices, rows alone for vectors
            rows = plain(shape[-2:-1] if "mm" in name else shape)
            operands.append(right.spread([inner]).laid((*right.layout[:inner], *rows, *right.layout[inner + 1 :])))
        added = self.seen(bound["self"]) if "add" in name else None
        return united([*operands, *([] if added is None else [added])], shape)

    def _attention(self, bound: Bound, shape: Sequence[int]) -> Seen:
        query, key, value = (self.seen(bound[name]) for name in ("query", "key", "value"))
        operands = [seen.spread([len(seen.layout) - 2]) for seen in (key, value) if seen is not None]
        if query is not None:
            operands.append(query.spread([len(query.layout) - 1]))
        rows = plain(shape[:-1]) if query is None else query.layout[:-1]
        return united(operands, ()).laid((*rows, *plain(shape[-1:])))

    def _joined(self, name: str, bound: Bound, shape: Sequence[int]) -> Seen:
        dim = bound["dim"] % len(shape)
        pieces = [(t, self.seen(t)) for t in bound["tensors"]]
        if name == "stack":
            whole = united([s for _, s in pieces if s is not None], (*shape[:dim], *shape[dim + 1 :]))
            return whole.laid((*whole.layout[:dim], *plain(shape[dim : dim + 1]), *whole.layout[dim:]))
        # Along the dimension itself the longest piece speaks for all: the others are a margin wrapped around it, or
        # a few units put before it.
        known = [(t, s) for t, s in pieces if s is not None and t.ndim == len(shape)]
        longest, main = max(known, key=lambda piece: piece[0].shape[dim])
        place = next(i for i, (t, _) in enumerate(pieces) if t is longest)
        before = sum(t.shape[dim] for t, _ in pieces[:place] if t.ndim == len(shape))
        main = main.shifted(dim, shape[dim], by=-before)
        on = main.axes([dim])
        aligned = [s.laid((*s.layout[:dim], *plain(shape[dim : dim + 1]), *s.layout[dim + 1 :])) for _, s in known]
        whole = united([main, *aligned], shape)
        return Seen(tuple(main.sights[a] if a in on else s for a, s in enumerate(whole.sights)), whole.layout)


class _WatchPadding(TorchFunctionMode):
    # Further down, circular padding is a copy of slices into an empty tensor, which tells nothing any more.

    def __init__(self, flow: Dataflow) -> None:
        super().__init__()
        self._flow = flow

    def __torch_function__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Bound | None = None) -> Any:
        kwargs = kwargs or {}
        if func is not functional.pad:
            return func(*args, **kwargs)
        self._flow._resting = True
        try:
            output = func(*args, **kwargs)
        finally:
            self._flow._resting = False
        self._flow.follow("pad", dict(zip(("input", "pad"), args, strict=False)) | kwargs, output)
        return output


def _unary(name: str, bound: Bound, seen: Seen, shape: Sequence[int]) -> Seen:
    """What is seen after an operation of which one operand depends on the input."""
    rank = len(seen.layout)
    if name == "convolution" or "pool" in name or "upsample" in name:
        return _slid(name, bound, seen, shape)
    if name in _REGROUPINGS:
        return seen.regrouped(shape)
    if name in ("transpose", "t", "permute"):
        return seen.laid(seen.layout[dim] for dim in _order(name, bound, rank))
    if name == "select":
        dim = bound["dim"] % rank
        return seen.laid(seen.layout[:dim] + seen.layout[dim + 1 :])
    if name == "slice":
        dim = bound["dim"] % rank
        begin, _, step = slice(bound["start"], bound["end"], bound["step"]).indices(seen.shape[dim])
        return seen.shifted(dim, shape[dim], by=begin, every=step)
    if name.endswith(("pad", "pad_nd")):
        for i, before in enumerate(bound["pad"][::2]):
            seen = seen.shifted(rank - 1 - i, shape[rank - 1 - i], by=-before)
        return seen
    if name in ("mkldnn_rnn_layer", "_cudnn_rnn"):
        return seen.spread(range(rank)).laid(plain(shape))
    if name.endswith("batch_norm") and bound["training"]:  # statistics of the batch itself: instance norm
        return seen.spread(dim for dim in range(rank) if dim != 1)
    if name == "native_group_norm":
        return seen.spread(range(1, rank))
    if "normalized_shape" in bound:
        return seen.spread(range(rank - len(bound["normalized_shape"]), rank))
    if name in _REARRANGEMENTS:
        dims = _dims(bound.get("dims", bound.get("dim")), rank)
        lost = seen.axes(dims)
        return _elsewhere(seen, dims, shape).marked(lost, "unknown")
    if "dim" in bound or not shape:
        dims = _dims(bound.get("dim"), rank)
        seen = seen.spread(dims)
        if len(shape) == rank:
            return _elsewhere(seen, dims, shape)
        return seen.laid(parts for dim, parts in enumerate(seen.layout) if dim not in dims)
    return _elementwise(name, [seen], shape)


def _slid(name: str, bound: Bound, seen: Seen, shape: Sequence[int]) -> Seen:
    """What is seen through a window that slides over the last dimensions."""
    if name == "convolution":
        kernel = bound["weight"].shape[2:]
        seen = seen.spread([1]).laid((seen.layout[0], parts_of(shape[1]), *seen.layout[2:]))
    else:
        kernel = bound.get("kernel_size", (0,) * (3 if "3d" in name else 1 if "1d" in name else 2))
    count = len(kernel)
    stride = _each(bound.get("stride") or kernel, count)
    padding, dilation = _each(bound.get("padding", 0), count), _each(bound.get("dilation", 1), count)
    irregular = "upsample" in name or "fractional" in name or bound.get("transposed", False)
    for i in range(count):
        dim = len(shape) - count + i
        before, after = seen.shape[dim], shape[dim]
        if "adaptive" in name and after == 1:
            seen = seen.spread([dim])
        if irregular or ("adaptive" in name and before % after):
            seen = seen.moved(dim, after, _unknown)
        elif "adaptive" in name:
            window = Window(before // after, stride=before // after)
            seen = seen.moved(dim, after, partial(ReceptiveField.through, window=window))
        else:
            window = Window(kernel[i], stride[i], padding[i], dilation[i])
            seen = seen.moved(dim, after, partial(ReceptiveField.through, window=window))
    return seen


def _elementwise(name: str, sources: Sequence[Seen], shape: Sequence[int]) -> Seen:
    """What is seen after an operation that takes each position by itself, or else is not followed."""
    broadcasts = all(
        len(s.shape) <= len(shape)
        and all(n in (1, m) for n, m in zip(reversed(s.shape), reversed(shape), strict=False))
        for s in sources
    )
    if name.startswith(_UNFOLLOWED) or not broadcasts:
        return united(sources, ()).forgotten(shape)
    return united(sources, shape)


def _pieces(name: str, dim: int, seen: Seen, outputs: Sequence[Tensor]) -> Iterator[Seen]:
    dim %= len(seen.layout)
    before = 0
    for tensor in outputs:
        if name == "unbind":
            yield seen.laid(seen.layout[:dim] + seen.layout[dim + 1 :])
        else:
            yield seen.shifted(dim, tensor.shape[dim], by=before)
            before += tensor.shape[dim]


def _elsewhere(seen: Seen, dims: Sequence[int], shape: Sequence[int]) -> Seen:
    """The layout kept but along `dims`, where positions are no longer those of the input."""
    return seen.laid(parts_of(shape[d]) if d in dims else parts for d, parts in enumerate(seen.layout))


def _order(name: str, bound: Bound, rank: int) -> list[int]:
    if name == "permute":
        return [dim % rank for dim in bound["dims"]]
    order = list(range(rank))
    if rank > 1:
        a, b = bound.get("dim0", 0) % rank, bound.get("dim1", 1) % rank
        order[a], order[b] = b, a
    return order


def _unknown(field: ReceptiveField) -> Sight:
    return "unknown"


def _extents(seen: Seen) -> list[object]:
    """Sizes and jumps: where a unit's view starts is no news."""
    return [(s.size, s.jump) if isinstance(s, ReceptiveField) else s for s in seen.sights]


def _dims(value: Any, rank: int) -> list[int]:
    dims = [value] if isinstance(value, int) else list(value or range(rank))
    return [dim % rank for dim in dims] if rank else []


def _each(value: Any, count: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * count if len(values) == 1 else values


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
