import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.signal import correlate

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.weights.converting import columns_from, from_keras, listed, renamed


def test_rules_follow_one_another_and_empty_names_are_dropped() -> None:
    tensors = {"module.a.w": torch.ones(1), "module.b.w": torch.zeros(1), "module.counter": torch.ones(())}
    result = renamed(
        tensors, [(r"^module\.", ""), (r"^counter$", ""), (r"^([ab])\.", r"layers.\1."), (r"w$", "weight")]
    )
    assert list(result) == ["layers.a.weight", "layers.b.weight"]
    assert result["layers.b.weight"] is tensors["module.b.w"]


def test_two_tensors_of_one_name() -> None:
    with pytest.raises(ConfigError, match=r"a\.2: expected a name of its own, got 'a', the new name of a\.1 too"):
        renamed({"a.1": torch.ones(1), "a.2": torch.ones(1)}, [(r"\.\d", "")])
    with pytest.raises(ConfigError, match="twice"):
        from_keras({"c/c/kernel:0": torch.ones(1, 1), "c/kernel:0": torch.ones(1, 1)})


def test_a_net_of_keras_is_the_same_function_here() -> None:
    """Channels-last arithmetic in SciPy and NumPy against torch's, all on the weights' own layouts."""
    draw = np.random.default_rng(0)
    kernel, bias, dense = draw.normal(size=(3, 2, 4, 5)), draw.normal(size=5), draw.normal(size=(4 * 5 * 5, 7))
    gamma, beta, mean, variance = draw.normal(size=5), draw.normal(size=5), draw.normal(size=5), draw.uniform(1, 2, 5)
    x = draw.normal(size=(6, 6, 4))
    maps = np.stack([correlate(x, kernel[..., k], mode="valid")[..., 0] + bias[k] for k in range(5)], axis=-1)
    maps = (maps - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    expected = maps.reshape(-1) @ dense

    stored = {
        "conv/conv/kernel:0": kernel, "conv/conv/bias:0": bias, "bn/bn/gamma:0": gamma, "bn/bn/beta:0": beta,
        "bn/bn/moving_mean:0": mean, "bn/bn/moving_variance:0": variance, "fc/fc/kernel:0": dense,
    }  # fmt: skip
    w = from_keras({name: torch.from_numpy(array) for name, array in stored.items()})
    y = F.conv2d(torch.from_numpy(x).permute(2, 0, 1)[None], w["conv.weight"], w["conv.bias"])
    y = F.batch_norm(y, w["bn.running_mean"], w["bn.running_var"], w["bn.weight"], w["bn.bias"], eps=1e-3)
    assert y.shape[1:] == (5, 4, 5)
    y = F.linear(y.flatten(1), columns_from(w["fc.weight"], (5, 4, 5), "hwc"))
    torch.testing.assert_close(y[0], torch.from_numpy(expected))


def test_depthwise_kernels() -> None:
    kernel, x = np.random.default_rng(0).normal(size=(3, 3, 2, 2)), np.random.default_rng(1).normal(size=(5, 5, 2))
    expected = [correlate(x[..., c], kernel[..., c, k], mode="valid") for c in range(2) for k in range(2)]
    weight = from_keras({"d/depthwise_kernel:0": torch.from_numpy(kernel)})["d.weight"]
    y = F.conv2d(torch.from_numpy(x).permute(2, 0, 1)[None], weight, groups=2)[0]
    torch.testing.assert_close(y, torch.from_numpy(np.stack(expected)))


def test_names_of_old_and_new_files() -> None:
    vector, matrix = torch.ones(3), torch.ones(2, 3)
    tensors = {
        "model_weights/block1/block1/kernel:0": matrix, "model_weights/block1/block1/bias:0": vector,
        "model_weights/fc/sequential/fc/kernel": matrix, "vgg16/block2/kernel:0": matrix,
        "layers/dense/vars/0": matrix, "layers/dense/vars/1": vector,
        "layers/bn/vars/0": vector, "layers/bn/vars/1": vector, "layers/bn/vars/2": vector, "layers/bn/vars/3": vector,
        "layers/lstm/cell/vars/0": matrix, "layers/lstm/cell/vars/1": matrix, "layers/lstm/cell/vars/2": vector,
    }  # fmt: skip
    names = [
        "block1.weight", "block1.bias", "fc.weight", "vgg16.block2.weight",
        "dense.weight", "dense.bias", "bn.weight", "bn.bias", "bn.running_mean",
        "bn.running_var", "lstm.cell.vars.0", "lstm.cell.vars.1", "lstm.cell.vars.2",
    ]  # fmt: skip
    result = from_keras(tensors)
    assert list(result) == names
    assert result["dense.weight"].shape == (3, 2)
    assert result["lstm.cell.vars.0"].shape == (2, 3)


@pytest.mark.parametrize("order", ["chw", "hwc", "whc", "cwh"])
def test_columns_in_every_order(order: str) -> None:
    maps = torch.randn(2, 3, 4)
    weight = torch.randn(5, 24)
    theirs = maps.permute(*("chw".index(axis) for axis in order)).flatten()
    torch.testing.assert_close(columns_from(weight, (2, 3, 4), order) @ maps.flatten(), weight @ theirs)


def test_columns_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"\(outputs, 24\) for maps \(2, 3, 4\), got \(5, 23\)"):
        columns_from(torch.ones(5, 23), (2, 3, 4), "hwc")
    with pytest.raises(ConfigError, match="letters c, h and w"):
        columns_from(torch.ones(5, 24), (2, 3, 4), "hw")


def test_listed() -> None:
    assert listed("abcdefgh") == "a, b, c, d, e, f and 2 more"
    assert listed([]) == ""
