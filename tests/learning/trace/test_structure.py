from typing import NamedTuple

import torch

from neurarium.learning.trace.structure import floats_in, mapped, tensors_in


class Padded(NamedTuple):
    values: torch.Tensor
    mask: torch.Tensor


def test_structures_keep_their_kind():
    value = {"a": Padded(torch.ones(2), torch.ones(2, dtype=torch.bool)), "b": [None, (torch.zeros(1), "x")]}
    doubled = mapped(value, lambda x: x.repeat(2))
    assert isinstance(doubled["a"], Padded)
    assert [len(x) for x in tensors_in(doubled)] == [4, 4, 2]
    assert doubled["b"][0] is None
    assert doubled["b"][1][1] == "x"


def test_floats_leave_out_what_has_no_derivative():
    assert [len(x) for x in floats_in((torch.ones(2), torch.ones(3, dtype=torch.int64), torch.ones(0)))] == [2]
