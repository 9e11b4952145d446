import pytest
import torch

from neurarium.training import number_format as module
from neurarium.training.number_format import bfloat16_feature, fast_bfloat16, number_format


@pytest.mark.parametrize(
    ("features", "feature"),
    [
        ("fpu avx2 avx512f avx512_bf16 avx512_vnni", "avx512_bf16"),
        ("avx512_bf16 amx_bf16 amx_tile amx_int8", "amx_bf16"),
        ("fp asimd i8mm bf16", "bf16"),
        ("fpu sse2 avx2 fma", None),
    ],
)
def test_features_of_processors(features: str, feature: str | None) -> None:
    assert bfloat16_feature(features.split()) == feature


def test_torch_and_the_system_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    by_torch = fast_bfloat16(torch.device("cpu"))
    if not module._CPUINFO.exists():
        pytest.skip("no /proc/cpuinfo")
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert fast_bfloat16(torch.device("cpu")) == by_torch


def test_no_bfloat16_on_other_devices_or_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fast_bfloat16(torch.device("mps")) is None
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert fast_bfloat16(torch.device("cpu")) is None


@pytest.mark.parametrize(("feature", "format"), [(None, "float32"), ("amx_bf16", "bfloat16")])
def test_auto_is_what_the_device_is_fast_in(feature: str | None, format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fast_bfloat16", lambda device: feature)
    assert number_format("auto", torch.device("cpu")) == format


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_is_named_stays(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fast_bfloat16", lambda device: pytest.fail("asked"))
    assert number_format(precision, torch.device("cpu")) == precision


def test_auto_of_devices_without_it() -> None:
    assert number_format("auto", torch.device("mps")) == "float32"
