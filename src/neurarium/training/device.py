"""Device, precision, memory layout and threads: the one place that decides where and how a net computes."""

import contextlib
import ctypes
import platform
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.training import matrix_products
from neurarium.training.matrix_products import Products
from neurarium.training.number_format import number_format

# numbers of the parameters in glibc's malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


@dataclass(frozen=True)
class DeviceConfig:
    """Where a net computes, in which number format (float32 or bfloat16), and by whose products of float32 matrices."""

    device: torch.device
    precision: str = "float32"
    matrix_products: Products = "auto"

    def place(self, net: nn.Module) -> nn.Module:
        """Move a net to the device, its images laid out channels-last.

        Convolutions and pooling read neighboring channels together in this layout; on CPU and CUDA it is the fast one,
        and where there are no four-dimensional weights it changes nothing.
        """
        net.to(self.device)
        # not `net.to(memory_format=...)`, which fails on the five dimensions of kernels over time
        for tensor in (*net.parameters(), *net.buffers()):
            if tensor.dim() == 4:
                tensor.data = tensor.data.to(tensor.device, memory_format=torch.channels_last)
        return net

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Compute inside in the chosen precision, by the chosen matrix products."""
        if self.precision != "float32":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        # the compiler chooses its own products, and cannot follow the question
        if self.takes_onednn and not torch.compiler.is_compiling() and matrix_products.is_available():
            return matrix_products.FastLinear()
        return contextlib.nullcontext()

    @property
    def takes_onednn(self) -> bool:
        """Whether large linear layers are to go another way than torch's own."""
        return self.matrix_products == "onednn" and self.device.type == "cpu" and self.precision == "float32"

    def environment(self) -> dict[str, str]:
        """Describe machine and software, as far as they decide the numbers."""
        name = self.device.type
        if name == "cuda":
            name = f"cuda ({torch.cuda.get_device_name(self.device)})"
        return {
            "device": name,
            "precision": self.precision,
            "threads": str(torch.get_num_threads()),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}",
        }


def find_device(device: str = "auto", precision: str = "float32", matrix_products: Products = "auto") -> DeviceConfig:
    """Find device and number format that are meant.

    Args:
        device: auto takes CUDA where there is one, else the CPU.
        precision: float32, bfloat16, or auto: bfloat16 where the device computes it fast, else float32.
        matrix_products: see `DeviceConfig`; auto is torch's own.
    Raises ConfigError: no such device here, or it cannot compute in this precision.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ConfigError("device", expected="auto, cpu, cuda, cuda:1 or mps", got=repr(device)) from error
    if found.type == "cuda":
        count = torch.cuda.device_count()
        if not torch.cuda.is_available() or (found.index or 0) >= count:
            raise ConfigError(
                "device",
                expected=f"one of the {count} CUDA devices here" if count else "a device of this machine",
                got=repr(device),
                remedy="pass --device cpu, or --device auto to take what is there",
            )
    elif found.type == "mps":
        if not torch.backends.mps.is_available():
            raise ConfigError("device", expected="a device of this machine", got="'mps'", remedy="pass --device cpu")
    elif found.type != "cpu":
        raise ConfigError("device", expected="auto, cpu, cuda, cuda:1 or mps", got=repr(device))
    return DeviceConfig(found, number_format(precision, found), matrix_products)


def set_threads(count: int | None) -> None:
    """Use `count` CPU threads; none leaves torch's own choice."""
    if count is not None and count != torch.get_num_threads():
        torch.set_num_threads(count)


def keep_freed_memory() -> None:
    """Let the C library keep the memory of freed tensors for the next ones, where it is glibc.

    Each step frees and allocates the same activations. By default the larger ones go back to the system and come again
    page by page, zeroed: a quarter of LeNet-5's step, unless a larger piece (up to 32 MiB) happened to be freed before.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    c_library = ctypes.CDLL(None)
    c_library.mallopt(_M_MMAP_THRESHOLD, 1 << 28)
    c_library.mallopt(_M_TRIM_THRESHOLD, 1 << 29)


def to_floats(*scalars: Tensor) -> list[float]:
    """Bring several scalars to the CPU at the price of one wait."""
    if scalars[0].device.type == "cpu":
        return [float(s) for s in scalars]
    return torch.stack([s.detach().float() for s in scalars]).tolist()
