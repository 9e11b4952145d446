"""Hold this tree beside the commit before the change: the same weights and records to the bit, or say what differs.

    python tests/golden/compare.py [COMMIT]

The commit (HEAD~1 where none is named) is checked out beside and measured by its own `tests/golden/measure.py`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def measured(tree: Path, out: Path) -> dict[str, Any]:
    """The numbers of a tree, computed by itself."""
    environment = os.environ | {"PYTHONPATH": str(tree / "src"), "OMP_NUM_THREADS": "1"}
    script = tree / "tests" / "golden" / "measure.py"
    subprocess.run([sys.executable, str(script), str(out)], cwd=tree, env=environment, check=True)
    (found,) = json.loads(out.read_text()).values()
    return dict(found)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """A line for each case that is gone, or whose numbers are others; both values are shown."""
    lines = [f"{name}: gone" for name in before if name not in after]
    for name, old in before.items():
        new = after.get(name, old)
        if new != old:
            lines.append(f"{name}: before {old['epochs'][-1]}\n{' ' * len(name)}  after  {new['epochs'][-1]}")
            if new["epochs"] == old["epochs"]:
                lines[-1] = f"{name}: weights {old['weights'][:12]} before, {new['weights'][:12]} after; same record"
    return lines


def main() -> int:
    """Measure both and compare."""
    commit = sys.argv[1] if len(sys.argv) > 1 else "HEAD~1"
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "before"
        subprocess.run(["git", "worktree", "add", "--detach", str(tree), commit], cwd=ROOT, check=True)
        try:
            before, after = measured(tree, Path(folder) / "a.json"), measured(ROOT, Path(folder) / "b.json")
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)
    found = differences(before, after)
    print("\n".join(found) or f"{len(before)} cases are the same to the bit as at {commit}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
