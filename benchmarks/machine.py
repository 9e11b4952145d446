"""What a measurement was taken on: processor, memory, system, versions, date, and how busy the machine was."""

import os
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("neurarium", "torch", "numpy", "numba", "keras", "jax", "skorch", "scikit-learn")
BUSY = 0.5


def describe_machine() -> dict[str, str]:
    """Describe the machine and the software on it; a fact that the system does not tell is left out."""
    facts = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _found(r"model name\s*: (.+)", "/proc/cpuinfo") or platform.processor(),
        "cores": str(os.cpu_count()),
        "memory": _gibibytes(_found(r"MemTotal:\s+(\d+) kB", "/proc/meminfo")),
        "system": f"{platform.system()} {platform.machine()}, {' '.join(platform.libc_ver())}",
        "python": platform.python_version(),
        "load at the start": f"{os.getloadavg()[0]:.2f}",
    }
    return {name: fact for name, fact in facts.items() if fact} | {p: v for p in PACKAGES if (v := _version(p))}


def measured_on(machine: Mapping[str, str]) -> str:
    """The last section of every page of results."""
    return "## Measured on\n\n" + "\n".join(f"- {name}: {fact}" for name, fact in machine.items())


def warn_if_busy() -> None:
    """Say so where other programs compete for the cores: the ratios are unsteady then."""
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"warning: the machine is busy (load {load:.1f}); timings are not to be trusted\n")


def _found(pattern: str, path: str) -> str:
    file = Path(path)
    match = re.search(pattern, file.read_text()) if file.exists() else None
    return match[1] if match else ""


def _gibibytes(kibibytes: str) -> str:
    return f"{int(kibibytes) / 2**20:.0f} GiB" if kibibytes else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
