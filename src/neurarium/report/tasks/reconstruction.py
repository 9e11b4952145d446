"""How giving back what was given is told."""

from neurarium.report.tasks.regression import UNEXPLAINED
from neurarium.report.tasks.task_report import TaskReport
from neurarium.report.tasks.usage import SCALED

REPORT = TaskReport(
    learned="learned to reconstruct {inputs} from a code of fewer numbers",
    axis="variance not explained in %",
    error=UNEXPLAINED,
    call=SCALED,
)
