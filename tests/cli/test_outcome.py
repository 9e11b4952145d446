"""What is said when a run is over."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from neurarium import api
from neurarium.cli.outcome import tell_outcome
from neurarium.record.sealed import write_json


def test_what_the_task_says_or_how_to_go_on(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = replace(api.load(finished), folder=shutil.copytree(finished, tmp_path / "[run]"))
    assert tell_outcome(run) == 0
    scores = json.loads((finished / "scores.json").read_text())
    said = capsys.readouterr().out
    assert f"Test accuracy {scores['accuracy']:.4f} on mnist-5k" in said
    assert f"{tmp_path}/[run]" in said
    memory = {
        "task": "recall", "split": "test", "data": "d", "examples": 3, "loss": None,
        "metrics": [{"name": "exact recall", "value": 0.5, "meaning": "fraction of", "unit": "%", "baseline": None}],
    }  # fmt: skip
    write_json(run.folder / "scores.json", memory)
    assert tell_outcome(run) == 0
    told = capsys.readouterr()
    assert "exact recall 50.0 %" in told.out
    assert told.err == ""
    doubted = memory | {"warnings": ["No better than [guessing]; do x."]}
    write_json(run.folder / "scores.json", doubted)
    assert tell_outcome(run) == 0
    assert capsys.readouterr().err == "warning: No better than [guessing]; do x.\n"
    (run.folder / "scores.json").unlink()
    assert tell_outcome(run) == 0
    (run.folder / "weights.json").unlink()
    assert tell_outcome(run) == 130
    assert f"neurarium resume {run.folder}" in capsys.readouterr().out
