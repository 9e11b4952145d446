import pytest
import torch

from neurarium.nets.catalogue import NETS
from neurarium.symmetry.catalogue import LAWS
from neurarium.symmetry.laws import Law

from ..test_contract_nets import make


def test_every_net_declares_its_laws_and_no_other_does() -> None:
    assert LAWS.keys() == NETS.keys()
    for laws in LAWS.values():
        assert len({law.name for law in laws}) == len(laws) > 0


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
@pytest.mark.parametrize(("name", "law"), [(name, law) for name, laws in LAWS.items() for law in laws])
def test_net_keeps_law(name: str, law: Law, shape: tuple[int, ...], dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)
    net = make(name, shape, 10).to(dtype)
    assert law.deviation(net, torch.rand(4, *shape, dtype=dtype)) < tolerance
