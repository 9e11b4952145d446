"""A task of which nothing is known but its metrics."""

from neurarium.report.tasks.task_report import TaskReport

REPORT = TaskReport(
    learned="learned from {inputs}",
    axis="error in %",
    error="What the task counts as an error",
    call="run.predict(inputs)",
)
