"""Which number format pays: bfloat16 where the device multiplies it faster than float32, else float32.

bfloat16 has the exponent of float32 and 8 significant bits, so that what float32 holds neither overflows nor vanishes,
but every product is rounded to 1 part in 256. Weights, sums and statistics stay float32; where the device has no
units for bfloat16 it is imitated, and slower than float32.

Source: D. Kalamkar et al., "A study of BFLOAT16 for deep learning training", 2019.
"""

from collections.abc import Collection
from pathlib import Path

import torch

# Spelt alike by torch and by /proc/cpuinfo; the fastest first. The last two are ARM's.
_BFLOAT16_FEATURES = ("amx_bf16", "avx512_bf16", "sve_bf16", "bf16")
_CPUINFO = Path("/proc/cpuinfo")


def number_format(precision: str, device: torch.device) -> str:
    """What a precision means on a device: "auto" is bfloat16 where the device computes it fast, else float32.

    Example:
        >>> number_format("float32", torch.device("cpu")), number_format("auto", torch.device("meta"))
        ('float32', 'float32')
    """
    if precision != "auto":
        return precision
    return "bfloat16" if fast_bfloat16(device) else "float32"


def fast_bfloat16(device: torch.device) -> str | None:
    """Name what multiplies bfloat16 faster than float32 on a device; none: nothing does.

    On CUDA cards from compute capability 8.0 on; on CPUs with AMX, AVX512-BF16, or ARM's bf16.
    """
    if device.type == "cuda":
        with torch.cuda.device(device):
            known = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.cuda.get_device_name(device) if known else None
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return None
    return bfloat16_feature(_cpu_features())


def bfloat16_feature(features: Collection[str]) -> str | None:
    """The fastest of a processor's features that multiplies bfloat16."""
    return next((feature for feature in _BFLOAT16_FEATURES if feature in features), None)


def _cpu_features() -> Collection[str]:
    try:
        return [name for name, there in torch.cpu.get_capabilities().items() if there is True]
    except AttributeError:  # older releases of torch
        return _CPUINFO.read_text().split() if _CPUINFO.exists() else ()
