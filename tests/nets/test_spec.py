import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest

from neurarium.nets.spec import NetSpec
from neurarium.record.schema import image_schema


def test_base_builds_nothing() -> None:
    with pytest.raises(NotImplementedError):
        NetSpec().build(image_schema())


def test_spec_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        NetSpec().summary = "changed"  # type: ignore[misc]


def test_catalog_imports_no_torch() -> None:
    program = "import sys, neurarium.nets.catalog; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
