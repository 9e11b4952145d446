import io

import pytest
from rich.console import Console
from rich.table import Table

from neurarium.report.ending import Ending


@pytest.mark.parametrize(
    ("width", "encoding", "shown"),
    [(40, "utf-8", "stages.stage3.conv1"), (12, "utf-8", "…ge3.conv1"), (12, "ascii", ".ge3.conv1")],
)
def test_a_name_that_does_not_fit_loses_its_beginning(width: int, encoding: str, shown: str) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_row(Ending("stages.stage3.conv1"))
    Console(file=file, width=width).print(table)
    file.seek(0)
    assert file.read().split() == [shown]
