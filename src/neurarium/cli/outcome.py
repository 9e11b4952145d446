"""What the command line says when a run is over."""

import json

from rich.console import Console

from neurarium.report.measures import task_of_scores, tell_measures
from neurarium.training.run import Run

_INTERRUPTED = 130


def tell_outcome(run: Run) -> int:
    """Say the test score and where things lie; return the exit code."""
    console = Console(highlight=False, soft_wrap=True)
    scores_file = run.folder / "scores.json"
    if not (run.folder / "weights.json").exists():
        console.print(f"Stopped and saved. Go on with: [bold]neurarium resume {run.folder}[/]")
        return _INTERRUPTED
    if scores_file.exists():
        scores = json.loads(scores_file.read_text(encoding="utf-8"))
        if task_of_scores(scores) == "classification":
            wrong = round((1 - scores["accuracy"]) * scores["examples"])
            console.print(f"Test accuracy [bold]{scores['accuracy']:.4f}[/] on {scores['data']}", end=" ")
            console.print(f"({wrong} of {scores['examples']:,} wrong)")
        else:
            console.print(tell_measures(scores), markup=False)
    console.print(f"Run folder: {run.folder}   (open {run.folder / 'report.html'} in a browser)")
    return 0
