import torch

from neurarium.data.plan import _splitmix, mix
from neurarium.data.uniforms import uniforms


def test_equals_the_formula_with_whole_numbers_of_python() -> None:
    found = uniforms(torch.tensor([0, 7, 123_456]), 4, 3, 2)
    mask = (1 << 64) - 1
    for row, index in zip(found, (0, 7, 123_456), strict=True):
        inner = _splitmix((mix(3, 2) + index) & mask)
        expected = [(_splitmix((inner + k) & mask) >> 40) / 2**24 for k in range(4)]
        assert row.tolist() == expected


def test_looks_uniform_and_unrelated() -> None:
    u = uniforms(torch.arange(4000), 25, 0, 1).double()
    counts = torch.histc(u, 20, 0, 1)
    expected = u.numel() / 20
    assert float(((counts - expected) ** 2 / expected).sum()) < 43.8  # 0.999 quantile of chi-squared, 19 degrees
    other = uniforms(torch.arange(4000), 25, 0, 2).double()
    correlations = torch.corrcoef(torch.stack([u[:-1].flatten(), u[1:].flatten(), other[1:].flatten()]))
    assert float(correlations.fill_diagonal_(0).abs().max()) < 4 / (u.numel()) ** 0.5
