"""The contract suites and all that is met from outside, on the newest Python of the declared ones found here.

Its environment is built once, outside the clone, as it holds gigabytes: `$XDG_CACHE_HOME/neurarium/pythons`.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONSTRAINTS = ROOT / "constraints.txt"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neurarium" / "pythons"
SUITES = (
    "tests/test_contract_nets.py",
    "tests/test_contract_recipes.py",
    "tests/training/rules/test_closed_form.py",
    "tests/test_estimator.py",
    "tests/test_regressor.py",
    "tests/cli",
)


def declared() -> list[tuple[int, int]]:
    """Versions that the package declares, those newer than this one, newest first."""
    named = re.findall(r"Python :: (\d+)\.(\d+)", "\n".join(PROJECT["classifiers"]))
    return sorted(
        (found for found in ((int(a), int(b)) for a, b in named) if found > sys.version_info[:2]), reverse=True
    )


def programs(major: int, minor: int) -> Iterator[str]:
    """Where a Python of a version may be: on the path, and in pyenv's folder, where only one version is active."""
    name = f"python{major}.{minor}"
    yield shutil.which(name) or ""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{major}.{minor}.*/bin/{name}"), reverse=True))


def newest() -> str | None:
    """The program of the newest Python that runs and can make environments."""
    for version in declared():
        for program in filter(None, programs(*version)):
            asked = [program, "-c", "import ensurepip, venv, sys; print(*sys.version_info[:2])"]
            answer = subprocess.run(asked, capture_output=True, text=True, check=False)
            if answer.stdout.split() == [str(part) for part in version]:
                return program
    return None


def requirements() -> list[str]:
    """What the package and its tests need, every extra that is named written out."""
    extras, found, names = PROJECT["optional-dependencies"], list(PROJECT["dependencies"]), ["test"]
    for name in names:
        for line in extras[name]:
            inner = re.fullmatch(r"neurarium\[(.*)\]", line)
            (names if inner else found).extend(inner[1].split(",") if inner else [line])
    return found


def environment(program: str) -> Path:
    """The interpreter of an environment with the pinned packages; kept as long as Python and they are the same."""
    wanted = "\n".join([*requirements(), CONSTRAINTS.read_text()])
    torch = re.search(r"^torch==(.+)$", wanted, re.MULTILINE)
    assert torch
    version = subprocess.run([program, "-VV"], capture_output=True, text=True, check=True).stdout
    key = hashlib.sha256((version + wanted).encode()).hexdigest()[:12]
    home = CACHE / f"{Path(program).name}-torch{torch[1]}-{key}"
    if not home.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="being-built-") as folder:
            made = Path(folder) / "environment"
            subprocess.run([program, "-m", "venv", str(made)], check=True)
            install = [made / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-cache-dir", "-c", CONSTRAINTS]
            done = subprocess.run([*install, *requirements()], capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"{home.name} cannot be installed: {done.stderr.strip().splitlines()[-1]}")
            if not home.exists():  # another run may have been faster
                made.rename(home)
    home.touch()  # those that nothing asked for in a month are gigabytes for nobody
    for other in CACHE.iterdir():
        if time.time() - other.stat().st_mtime > 30 * 86400:
            shutil.rmtree(other)
    return home / "bin" / "python"


@pytest.mark.more
def test_suites_pass_on_the_newest_python() -> None:
    program = newest()
    if program is None:
        versions = " or ".join(f"{a}.{b}" for a, b in declared()) or "any that is newer than this one and declared"
        pytest.skip(f"no Python {versions} found on the path or in pyenv's folder")
    python = environment(program)
    tests = [python, "-m", "pytest", "-p", "no:cacheprovider", *SUITES]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        tests, cwd=ROOT, env=own | {"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert re.search(r"\d{3,} passed", done.stdout), done.stdout
