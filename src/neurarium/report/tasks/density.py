"""How a model of likelihood is told."""

from neurarium.report.tasks.task_report import TaskReport
from neurarium.report.tasks.usage import sample

REPORT = TaskReport(
    learned="learned how likely {inputs} are",
    axis="squared error of a unit in %",
    error="Mean squared difference of a unit to its reconstruction, which is not what the net makes small",
    call="run.sample(100)",
    usage=sample,
)
