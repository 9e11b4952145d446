import pytest
import torch

from neurarium.training.seed import generator_states, own_generators, restore_generators, seed_everything


def test_same_seed_same_numbers() -> None:
    draws = []
    for seed in (1, 1, 2):
        seed_everything(seed)
        draws.append(torch.rand(3))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_restored_state_goes_on_where_it_was() -> None:
    torch.rand(3)
    states = generator_states()
    expected = torch.rand(5)
    torch.rand(7)
    restore_generators(states)
    assert torch.equal(torch.rand(5), expected)


def test_callers_state_is_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    with own_generators():
        seed_everything(99)
        torch.rand(10)
    assert torch.equal(torch.rand(2), expected)


def test_callers_choice_of_kernels_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    with own_generators():
        seed_everything(99)
        assert torch.backends.cudnn.deterministic
    assert torch.backends.cudnn.benchmark
    assert not torch.backends.cudnn.deterministic
