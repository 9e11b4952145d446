"""The record of a run: one JSON object a line, in the order of events.

The first line of each sitting is a `started` (a resumed run has several); `step` lines are thinned to about twenty an
epoch, `epoch` lines are all there. Each ends with the checksum of its values. A process killed while writing leaves at
most a broken last line; reading skips it.
"""

import dataclasses
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neurarium.checks import RunError
from neurarium.record.events import CheckpointSaved, EpochEnded, Event, Notice, Started, Stepped, Stopped
from neurarium.record.files import storage_errors, write_atomic
from neurarium.record.sealed import seal, unseal

KINDS: dict[type, str] = {
    Started: "started",
    Stepped: "step",
    EpochEnded: "epoch",
    CheckpointSaved: "checkpoint",
    Notice: "notice",
    Stopped: "stopped",
}
_POINTS_PER_EPOCH = 20


def recorded(events: Iterator[Event], path: str | Path) -> Iterator[Event]:
    """Append each event to the record at `path` and pass it on."""
    stride = 1
    # no wider than a call: an error of the disk that `events` meets elsewhere is not one about the record
    with storage_errors(path):
        # no buffer: what a full disk did not take would be tried again, and fail again, on closing
        file = open(path, "ab", buffering=0)  # noqa: SIM115  (closed below)
    try:
        for event in events:
            if isinstance(event, Started):
                stride = max(1, event.steps_per_epoch // _POINTS_PER_EPOCH)
            if not isinstance(event, Stepped) or event.position % stride == 0:
                line = f"{to_line(event)}\n".encode()
                with storage_errors(path):
                    while line:  # a disk that fills up takes a part first
                        line = line[file.write(line) :]
            yield event
    finally:
        with storage_errors(path):
            file.close()


def to_line(event: Event) -> str:
    """Write an event as one line of JSON."""
    return json.dumps(seal({"event": KINDS[type(event)], **dataclasses.asdict(event)}))


def read_record(path: str | Path) -> list[dict[str, Any]]:
    """Read a record; a broken last line is left out.

    Raises RunError: there is no record, or a line before the last is damaged.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise RunError(
            str(path), expected="the record of a run", got=error.strerror or "nothing", remedy="name a run folder"
        ) from error
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(unseal(json.loads(line), f"{path}, line {number}", "remove the line"))
        except (json.JSONDecodeError, RecursionError) as error:
            if number == len(lines):
                break
            raise RunError(
                f"{path}, line {number}", expected="a JSON object", got=repr(line[:40]), remedy="remove the line"
            ) from error
    return entries


def rewind(path: str | Path, step: int, epoch: int) -> None:
    """Drop what the record holds beyond `step` updates with `epoch` under way, before learning goes on from there."""
    if not Path(path).exists():
        return

    def is_past(entry: dict[str, Any]) -> bool:
        ended = entry["event"] == KINDS[EpochEnded]
        return entry.get("step", 0) <= step and entry.get("epoch", 0) + ended <= epoch

    kept = itertools.takewhile(is_past, read_record(path))
    write_atomic(path, "".join(json.dumps(seal(entry)) + "\n" for entry in kept))


def epochs_of(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the `epoch` lines of a record, one an epoch."""
    return [entry for entry in entries if entry["event"] == "epoch"]
