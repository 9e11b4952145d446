import numpy as np
import pytest
import torch
from scipy import special
from torch import Tensor
from torch.nn import functional as F

from neurarium.checks import ConfigError
from neurarium.learning.distillation import distillation, tempered_cross_entropy
from neurarium.learning.losses import cross_entropy


def logits(seed: int, rows: int = 4, classes: int = 5) -> Tensor:
    return torch.randn(rows, classes, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 3


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_value_and_gradient_in_closed_form(temperature: float) -> None:
    student, teacher = logits(0).requires_grad_(), logits(1)
    loss = tempered_cross_entropy(student, teacher, temperature)
    g, f = student.detach().numpy() / temperature, teacher.numpy() / temperature
    p_g, p_f = special.softmax(g, axis=1), special.softmax(f, axis=1)
    expected = -(temperature**2) * (p_f * special.log_softmax(g, axis=1)).sum(1).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    assert loss.item() > 0  # the notes' formula without its minus sign is negative
    loss.backward()
    np.testing.assert_allclose(student.grad.numpy(), temperature**2 / temperature * (p_g - p_f) / 4, atol=1e-14)
    assert torch.autograd.gradcheck(lambda g: tempered_cross_entropy(g, teacher, temperature), (student,))


def test_torchs_divergence_as_a_peer() -> None:
    """T^2 KL(p_F || p_G) differs by the teacher's entropy, which has no gradient."""
    student, teacher = logits(0), logits(1)
    entropy = special.entr(special.softmax(teacher.numpy() / 3, axis=1)).sum(1).mean()
    divergence = F.kl_div((student / 3).log_softmax(1), (teacher / 3).softmax(1), reduction="batchmean")
    assert float(tempered_cross_entropy(student, teacher, 3.0)) == pytest.approx(
        9 * (float(divergence) + entropy), rel=1e-12
    )


def test_high_temperature_matches_logits() -> None:
    """Hinton's limit: for logits of mean zero the gradient tends to (G - F) / (K N)."""
    student, teacher = logits(0), logits(1)
    student, teacher = student - student.mean(1, keepdim=True), teacher - teacher.mean(1, keepdim=True)
    limit = (student - teacher) / 5 / 4
    deviations = []
    for temperature in (10.0, 100.0, 1000.0):
        student = student.detach().requires_grad_()
        tempered_cross_entropy(student, teacher, temperature).backward()
        deviations.append(float((student.grad - limit).abs().max() / limit.abs().max()))
    assert deviations[-1] < 3e-3
    # the next term of the expansion falls as 1/T
    assert deviations[0] > 8 * deviations[1] > 64 * deviations[2]


def test_temperature_one_with_a_sure_teacher_is_the_cross_entropy_of_its_answers() -> None:
    student, classes = logits(0), torch.tensor([0, 3, 1, 4])
    teacher = 1e4 * torch.eye(5, dtype=torch.float64)[classes]
    torch.testing.assert_close(tempered_cross_entropy(student, teacher, 1.0), cross_entropy(student, classes))


def test_mixture_of_teacher_and_labels() -> None:
    student, teacher, hard = logits(0).requires_grad_(), logits(1), torch.tensor([1, 1, 0, 2])
    loss = distillation(student, teacher, cross_entropy(student, hard), temperature=2.0, alpha=0.3)
    loss.backward()
    g, f = student.detach().numpy(), teacher.numpy()
    soft = 2 * (special.softmax(g / 2, axis=1) - special.softmax(f / 2, axis=1))
    labels = special.softmax(g, axis=1) - np.eye(5)[hard]
    np.testing.assert_allclose(student.grad.numpy(), (0.3 * soft + 0.7 * labels) / 4, atol=1e-14)


def test_extreme_logits_and_no_gradient_for_the_teacher() -> None:
    student = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    teacher = torch.tensor([[-1e4, 1e4, 0.0]], requires_grad=True)
    loss = tempered_cross_entropy(student, teacher, 2.0)
    loss.backward()
    assert loss.isfinite()
    assert student.grad.isfinite().all()
    assert teacher.grad is None


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_temperature_out_of_range(temperature: float) -> None:
    with pytest.raises(ConfigError, match=r"loss\.temperature: expected a number > 0"):
        tempered_cross_entropy(logits(0), logits(1), temperature)


def test_parts_over_the_number_of_the_whole_add_up() -> None:
    student, teacher = logits(0, rows=7).requires_grad_(), logits(1, rows=7)
    whole = tempered_cross_entropy(student, teacher, 2.0)
    cuts = (slice(0, 3), slice(3, 4), slice(4, 7))
    parts = sum(tempered_cross_entropy(student[cut], teacher[cut], 2.0, torch.tensor(7.0)) for cut in cuts)
    torch.testing.assert_close(parts, whole)
    one, other = (torch.autograd.grad(loss, student)[0] for loss in (whole, parts))
    torch.testing.assert_close(one, other)
