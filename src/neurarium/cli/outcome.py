"""What the command line says when a run is over."""

from rich.console import Console

from neurarium.cli.notices import tell
from neurarium.record.sealed import read_json
from neurarium.report.tasks.table import report_of
from neurarium.training.run import Run

_INTERRUPTED = 130


def tell_outcome(run: Run) -> int:
    """Say the test score and where things lie; return the exit code."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    scores_file = run.folder / "scores.json"
    if not (run.folder / "weights.json").exists():
        console.print(f"Stopped and saved. Go on with: neurarium resume {run.folder}")
        return _INTERRUPTED
    if scores_file.exists():
        scores = read_json(scores_file, "the scores of a run", "remove it and evaluate anew")
        if said := report_of(scores["task"]).outcome(scores):
            console.print(said)
        tell(scores.get("warnings", ()), "warning")
    console.print(f"Run folder: {run.folder}   (open {run.folder / 'report.html'} in a browser)")
    return 0
