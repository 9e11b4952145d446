import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError
from neurarium.training import number_format
from neurarium.training.device import find_device, to_floats


def test_cpu_is_always_there() -> None:
    assert find_device("cpu").device == torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_no_gpu_when_asked_for() -> None:
    assert find_device("auto").device.type == "cpu"
    with pytest.raises(ConfigError, match="--device cpu"):
        find_device("cuda")


@pytest.mark.parametrize("name", ["gpu", "cuda:-1", "xla", ""])
def test_unknown_device(name: str) -> None:
    with pytest.raises(ConfigError, match="device"):
        find_device(name)


def test_convolutions_are_laid_out_channels_last() -> None:
    net = find_device("cpu").place(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2)))
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert net[2].weight.is_contiguous()


def test_bfloat16_reaches_the_matrix_product() -> None:
    linear = nn.Linear(3, 3)
    with find_device("cpu", "bfloat16").autocast():
        assert linear(torch.zeros(1, 3)).dtype == torch.bfloat16
    with find_device("cpu", "float32").autocast():
        assert linear(torch.zeros(1, 3)).dtype == torch.float32


@pytest.mark.parametrize(("feature", "dtype"), [("bf16", torch.bfloat16), (None, torch.float32)])
def test_auto_computes_in_what_the_device_is_fast_in(
    feature: str | None, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_format, "fast_bfloat16", lambda device: feature)
    device_config = find_device("cpu", "auto")
    with device_config.autocast():
        assert nn.Linear(3, 3)(torch.zeros(1, 3)).dtype == dtype
    assert f"torch.{device_config.environment()['precision']}" == str(dtype)


def test_to_floats() -> None:
    assert to_floats(torch.tensor(1.5), torch.tensor(2), torch.tensor(0.25, dtype=torch.float64)) == [
        1.5,
        2.0,
        0.25,
    ]


def test_kernels_over_time_stay_as_they_are() -> None:
    net = nn.Sequential(nn.Conv3d(2, 3, 3), nn.Conv2d(2, 3, 3))
    find_device("cpu").place(net)
    assert net[0].weight.is_contiguous()
    assert net[1].weight.is_contiguous(memory_format=torch.channels_last)
