"""Written-out functions against the functions themselves."""

import torch
from torch.func import grad, vmap
from torch.fx import GraphModule

from neurarium.training.ensemble.graph import traced


def operations(function: object) -> list[str]:
    assert isinstance(function, GraphModule)
    return [str(node.target) for node in function.graph.nodes if node.op == "call_function"]


def test_same_numbers_on_other_values() -> None:
    def loss(w: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(torch.tanh(x @ w), torch.arange(4))

    function = vmap(grad(loss))
    draw = torch.Generator().manual_seed(0)
    written = traced(function, torch.zeros(3, 5, 6), torch.zeros(3, 4, 5))
    w, x = torch.randn(3, 5, 6, generator=draw), torch.randn(3, 4, 5, generator=draw)
    assert torch.allclose(written(w, x), torch.stack([grad(loss)(w[k], x[k]) for k in range(3)]), atol=1e-6)


def test_leaves_out_what_changes_nothing() -> None:
    def roundabout(x: torch.Tensor) -> torch.Tensor:
        x.cos()  # nobody reads it
        return (x.view(2, 3).expand(2, 3) * 1).mT.mT.sin() + x.sin()

    written = traced(roundabout, torch.zeros(2, 3))
    assert operations(written) == ["aten.sin.default", "aten.add.Tensor"]
    assert torch.equal(written(torch.ones(2, 3)), 2 * torch.ones(2, 3).sin())


def test_keeps_reshapes_and_types_that_matter() -> None:
    written = traced(lambda x: (x * 1.0).view(3, 2).mT, torch.zeros(2, 3, dtype=torch.int64))
    answer = written(torch.arange(6).view(2, 3))
    assert answer.dtype == torch.float32
    assert answer.tolist() == [[0, 2, 4], [1, 3, 5]]


def test_random_operations_are_not_merged_and_draw_anew() -> None:
    written = traced(lambda x: (torch.rand_like(x), torch.rand_like(x)), torch.zeros(50))
    first, second = written(torch.zeros(50))
    assert not torch.equal(first, second)
    assert not torch.equal(first, written(torch.zeros(50))[0])


def test_writing_into_a_tensor_is_kept() -> None:
    def counted(x: torch.Tensor) -> torch.Tensor:
        y = x.clone()
        a = y.sum()
        y.add_(1)
        return a + y.sum()

    assert traced(counted, torch.zeros(4))(torch.zeros(4)).item() == 4
