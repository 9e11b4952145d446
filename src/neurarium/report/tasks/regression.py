"""How predicting numbers is told."""

from neurarium.report.tasks.task_report import TaskReport
from neurarium.report.tasks.usage import predict

UNEXPLAINED = "Mean squared error as a fraction of the variance: 100 % is what always answering the mean would give"

REPORT = TaskReport(
    learned="learned to predict {names} from {inputs}",
    axis="variance not explained in %",
    error=UNEXPLAINED,
    call="run.predict(inputs).values",
    usage=predict,
)
