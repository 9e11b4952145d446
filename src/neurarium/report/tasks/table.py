"""The report of every task, by the task's name."""

from neurarium.report.tasks import (
    classification,
    density,
    energy_forces,
    generation,
    language_model,
    plain,
    recall,
    reconstruction,
    regression,
    transcription,
    translation,
)
from neurarium.report.tasks.task_report import TaskReport

TASK_REPORTS: dict[str, TaskReport] = {
    "classification": classification.REPORT,
    "regression": regression.REPORT,
    "forecast": regression.REPORT,
    "distillation": classification.REPORT,
    "reconstruction": reconstruction.REPORT,
    "density": density.REPORT,
    "generation": generation.REPORT,
    "recall": recall.REPORT,
    "language-model": language_model.REPORT,
    "translation": translation.REPORT,
    "transcription": transcription.REPORT,
    "energy-forces": energy_forces.REPORT,
}


def report_of(task: str) -> TaskReport:
    """The report of a task; a plain one of a task that has none of its own."""
    return TASK_REPORTS.get(task, plain.REPORT)
