"""How energies and forces of molecules are told."""

from neurarium.report.tasks.task_report import TaskReport

REPORT = TaskReport(
    learned="learned to predict {names} from {inputs}",
    axis="squared error of a force in % of its scale",
    error="Mean squared error of a component of a force, in units of the scale by which energies and forces are "
    "standardized",
    call='answers = run.predict(inputs)\nanswers.values, answers.others["forces"]',
)
