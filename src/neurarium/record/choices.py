"""Which of several ways to one result is taken: the fastest on this machine, by measurement, kept for the next time.

Which of two libraries multiplies faster, or from which size on a detour pays, differs between processors, so nobody
can say it beforehand. A choice has a name, ways that do the same, the usual one first, and sizes. What was measured
lies in the user's cache under processor, name and sizes. Another way is taken only where it saves 5 % of the usual
one's time: less is noise. Ways agree to rounding, not to the bit; so a run keeps its choice in its recipe.

With `NEURARIUM_CHOICES` set nothing is measured and no file touched: it names ways, `matrix_products=onednn`, several
with commas between them; whatever it does not name goes the usual way.
"""

import contextlib
import functools
import hashlib
import json
import math
import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from neurarium.checks import StorageError
from neurarium.record.files import cache_folder, write_atomic

Way = TypeVar("Way", bound=str)
VARIABLE = "NEURARIUM_CHOICES"
_SAVED = 0.05
_ROUNDS = 7
_SECONDS = 0.05
_TELLING = ("model name", "cpu family", "model", "stepping", "flags", "CPU implementer", "CPU part", "Features")


def fastest(
    name: str,
    sizes: str,
    ways: Mapping[Way, Callable[[], object]],
    clock: Callable[[], float] = time.perf_counter,
) -> Way:
    """The name of the way to take.

    Args:
        sizes: whatever else decides which is fastest: shapes, number format, threads, release of the library.
        clock: seconds.

    Example:
        >>> fastest("sum", "3 numbers", {"at once": lambda: sum((1, 2, 3))})  # nothing to choose, nothing measured
        'at once'
    """
    usual = next(iter(ways))
    if len(ways) == 1:
        return usual
    if (fixed := os.environ.get(VARIABLE)) is not None:
        return next((way for way in ways if f"{name}={way}" in map(str.strip, fixed.split(","))), usual)
    path, key = cache_folder() / "choices.json", f"{name}; {sizes}; {processor()}"
    known = _read(path).get(key)
    for way in ways:
        if way == known:
            return way
    found = measured(ways, clock)
    with contextlib.suppress(StorageError):  # measured again next time
        write_atomic(path, json.dumps(_read(path) | {key: found}, indent=1, sort_keys=True) + "\n")
    return found


def measured(ways: Mapping[Way, Callable[[], object]], clock: Callable[[], float] = time.perf_counter) -> Way:
    """The fastest of some ways; the first, unless another saves 5 % of its time.

    Each is called once to warm up, then all in turns for 50 ms, at least 7 rounds unless they take a second. The
    shortest times are compared: what else runs on the machine can only lengthen a time.
    """
    for way in ways.values():
        way()
    least = dict.fromkeys(ways, math.inf)
    began, rounds = clock(), 0
    while (passed := clock() - began) < _SECONDS or (rounds < _ROUNDS and passed < 1):
        for name, way in ways.items():
            start = clock()
            way()
            least[name] = min(least[name], clock() - start)
        rounds += 1
    usual, best = next(iter(ways)), min(least, key=least.__getitem__)
    return best if least[best] < (1 - _SAVED) * least[usual] else usual


@functools.cache
def processor() -> str:
    """What this machine's processor is called, and a hash of what else is known of it."""
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first)}
    digest = hashlib.sha256(json.dumps([told.get(key) for key in _TELLING]).encode())
    return f"{told.get('model name') or platform.machine()} {digest.hexdigest()[:8]}"


def _read(path: Path) -> dict[str, Any]:
    """What is kept; nothing where the file is missing or damaged."""
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
