from collections.abc import Iterator
from pathlib import Path

import pytest

from neurarium.checks import RunError, StorageError
from neurarium.record.events import EpochEnded, Event, Notice, Started, Stepped, Stopped
from neurarium.record.run_record import epochs_of, read_record, recorded, rewind, to_line


def stream(steps: int = 40) -> Iterator[Event]:
    yield Started("run", epochs=1, steps_per_epoch=steps)
    for k in range(1, steps + 1):
        yield Stepped(k, 1, k, loss=1 / k, gradient_norm=0.1, learning_rate=0.01, seconds=k / 10)
    yield EpochEnded(1, steps, {"loss": 0.5, "error": 0.25}, {}, 0.1, 0.01, 4.0, best=True)
    yield Stopped("finished", 2, steps, 4.0, 1)


def test_passes_all_events_on_and_thins_the_steps_written(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    assert list(recorded(stream(), path)) == list(stream())
    kinds = [entry["event"] for entry in read_record(path)]
    assert kinds.count("step") == 20
    assert (kinds[0], kinds[-2:]) == ("started", ["epoch", "stopped"])


def test_numbers_read_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    list(recorded(iter([Stepped(1, 1, 1, 1 / 3, 0.1 + 0.2, 1e-300, 0.0)]), path))
    entry = read_record(path)[0]
    assert (entry["loss"], entry["gradient_norm"], entry["learning_rate"]) == (1 / 3, 0.1 + 0.2, 1e-300)


def test_each_event_is_on_the_disk_when_it_is_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    events = recorded(iter([Notice("one"), Notice("two")]), path)
    next(events)
    assert [entry["message"] for entry in read_record(path)] == ["one"]


def test_broken_last_line_is_left_out_and_a_broken_middle_named(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    line = to_line(Notice("a"))
    path.write_text(f'{line}\n{{"event": "no')
    assert len(read_record(path)) == 1
    for broken in ('{"event": "no', line.replace('"a"', '"b"'), '{"event": "notice", "message": "a"}', "7"):
        path.write_text(f"{broken}\n{line}\n")
        with pytest.raises(RunError, match="line 1"):
            read_record(path)


def test_rewind_drops_what_came_after(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    list(recorded(stream(), path))
    rewind(path, 10, 1)
    entries = read_record(path)
    assert max(entry.get("step", 0) for entry in entries) == 10
    assert epochs_of(entries) == []


@pytest.mark.parametrize(("epoch", "left"), [(1, []), (2, [1])])
def test_rewind_drops_the_end_of_an_epoch_that_is_still_under_way(tmp_path: Path, epoch: int, left: list[int]) -> None:
    """The last step of an epoch and the epoch's end have the same number of steps."""
    path = tmp_path / "record.jsonl"
    list(recorded(iter([*stream(), Notice("of what is to come again")]), path))
    rewind(path, 40, epoch)
    assert [entry["epoch"] for entry in epochs_of(read_record(path))] == left
    assert (read_record(path)[-1]["event"] == "notice") == (epoch == 2)


def test_full_disk_is_one_clear_error() -> None:
    with pytest.raises(StorageError, match="the disk is full"):
        list(recorded(stream(), "/dev/full"))


def test_no_record(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="name a run folder"):
        read_record(tmp_path / "record.jsonl")


def test_disk_error_of_the_stream_is_not_taken_for_one_of_the_record(tmp_path: Path) -> None:
    def broken() -> Iterator[Event]:
        yield Notice("one")
        raise FileNotFoundError(2, "No such file", "figure.png")

    with pytest.raises(FileNotFoundError, match=r"figure\.png"):
        list(recorded(broken(), tmp_path / "record.jsonl"))
