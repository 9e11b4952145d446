import io
import threading

import pytest
from rich.console import Console

from neurarium.record.events import EpochEnded, Notice, Started, Stepped, Stopped
from neurarium.report.screen import HEADER, REFRESHES, Board, closing_line, epoch_line, shown


class Screen(io.StringIO):
    def isatty(self):
        return True


def show(events, file, **options):
    return list(shown(iter(events), Console(file=file, width=100, **options)))


def test_all_events_pass_in_order(made):
    events = made.events(3)
    assert show(events, io.StringIO()) == events


def test_without_a_terminal_one_plain_line_an_epoch(made, capsys):
    file = io.StringIO()
    show(made.events(5), file)
    text = file.getvalue()
    lines = text.splitlines()
    assert "\x1b" not in text
    assert "\r" not in text
    assert text.isascii()
    assert [line.split()[0] for line in lines if line[:5].strip().isdigit()] == ["1", "2", "3", "4", "5"]
    assert "61,706 parameters" in lines[0]
    assert lines[1] == HEADER
    assert "4 of 6 threads are busy" in capsys.readouterr().err  # and not among the lines
    assert max(map(len, lines[1:])) <= 80


def test_forced_colors_do_not_move_the_cursor_in_a_file(made):
    file = io.StringIO()
    show(made.events(2), file, force_terminal=True)
    assert "\x1b[32m" in file.getvalue()
    assert "\x1b[?25l" not in file.getvalue()


def test_epoch_line_holds_the_numbers_under_their_headings():
    event = EpochEnded(
        7,
        441,
        {"loss": 0.4512, "error": 0.1321},
        {"loss": 0.21, "error": 0.064},
        1.23,
        3e-3,
        12.34,
        best=True,
    )
    line = epoch_line(event)
    assert line.split() == [
        "7", "0.4512", "13.21", "%", "0.2100", "6.40", "%", "1.23", "3.0e-03", "12.3", "s", "best"
    ]  # fmt: skip
    assert line[: len(HEADER)].rstrip().endswith("s")
    for heading, value in (("error", "13.21 %"), ("val. err.", "6.40 %"), ("rate", "3.0e-03")):
        assert HEADER.index(heading) + len(heading) == line.index(value) + len(value)


def test_epoch_without_validation_data():
    line = epoch_line(EpochEnded(1, 5, {"loss": 1.0, "error": 0.5}, {}, 1.0, 0.1, 250.0, best=False))
    assert line.split()[4:6] == ["-", "-"]
    assert line.endswith("4:10")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("finished", ["finished 4 epochs", "best epoch 3", "6.40 %"]),
        ("early", ["stopped early after 4 epochs", "best epoch 3", "6.40 %"]),
        ("interrupted", ["interrupted after 40 of 100 steps"]),
    ],
)
def test_closing_line_says_why_and_where(reason, expected):
    best = EpochEnded(3, 30, {"loss": 1.0, "error": 0.1}, {"loss": 1.0, "error": 0.064}, 1.0, 0.1, 9.0, True)
    line = closing_line(Stopped(reason, 5, 40, 12.0, 3), Started("x", 10, 10), best)
    for words in expected:
        assert words in line


def test_terminal_is_restored_at_the_end(made):
    screen = Screen()
    show(made.events(2), screen, force_terminal=True)
    text = screen.getvalue()
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1


def test_terminal_is_restored_when_closed(made):
    screen = Screen()
    stream = shown(iter(made.events(2)), Console(file=screen, force_terminal=True))
    for _ in range(10):
        next(stream)
    assert "\x1b[?25h" not in screen.getvalue()
    stream.close()
    assert "\x1b[?25h" in screen.getvalue()


def test_terminal_is_restored_when_an_exception_passes(made):
    def failing():
        yield from made.events()[:10]
        raise OverflowError("diverged")

    screen = Screen()
    with pytest.raises(OverflowError, match="diverged"):
        list(shown(failing(), Console(file=screen, force_terminal=True)))
    assert "\x1b[?25h" in screen.getvalue()


def test_board_shows_where_the_run_is(made):
    board = Board()
    for event in made.events()[: 2 * made.steps + 4]:  # two epochs' steps, with start, notice and two ends of epochs
        {Started: board.start, Stepped: board.step, EpochEnded: board.end_epoch}.get(type(event), lambda _: None)(event)
    file = io.StringIO()
    Console(file=file, width=120).print(board.render())
    text = file.getvalue()
    assert "126/1,260 steps" in text
    assert "10%" in text
    assert "epoch 2/20" in text
    assert "best epoch 2" in text


def test_a_name_with_brackets_is_no_markup(capsys):
    file = io.StringIO()
    show([Started("[red]x[/]", 1, 1), Notice("[bold]")], file)
    assert "[red]x[/]" in file.getvalue()
    assert "note: [bold]" in capsys.readouterr().err
    assert "note" not in file.getvalue()


def test_notices_are_told_where_nothing_else_is_shown(capsys):
    list(shown(iter([Started("x", 1, 1), Notice("see here")]), Console(quiet=True, force_terminal=True)))
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "note: see here\n")


def test_smoothed_loss_is_the_mean_at_first():
    board = Board()
    for step, loss in enumerate((4.0, 2.0, 3.0), 1):
        board.step(Stepped(step, 1, step, loss, 1.0, 0.1, 0.0))
    assert board.loss == pytest.approx(3.0)


def test_a_step_draws_nothing_and_writes_nothing(monkeypatch):
    """The board is drawn by a thread of its own, a few times a second, however many steps are done in it."""
    assert REFRESHES <= 10
    steps = [Stepped(i, 1, i, 0.5, 1.0, 1e-3, 0.1) for i in range(1, 1001)]
    here, drawn = threading.get_ident(), []
    render = Board.render
    monkeypatch.setattr(Board, "render", lambda board: drawn.append(threading.get_ident()) or render(board))
    stream = shown(iter([Started("x", 1, 1000), *steps]), Console(file=Screen(), force_terminal=True))
    next(stream)
    before = drawn.count(here)
    for _ in range(1000):
        next(stream)
    assert drawn.count(here) == before
    stream.close()
