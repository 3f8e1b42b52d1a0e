"""What waits in an agent's outbox, read from its files while the agent runs or does not."""

from __future__ import annotations

from pathlib import Path

from agent.core.ports import Lane
from agent.outbox.segments.codec import decode_append
from agent.outbox.segments.folder import DiskFolder
from agent.outbox.segments.recovery import recover, segment_name


def waiting(data: Path) -> list[str]:
    """Ids of what the outbox in the data folder *data* holds, alarms first."""
    folder = DiskFolder(data / "outbox")
    table, found = recover(folder).table, []
    for lane in Lane:
        for _, place in table.read(lane, 0):
            file = folder.open(segment_name(place.segment))
            raw = file.read(place.offset, place.length)
            file.close()
            append = decode_append(raw, place.segment, place.offset)
            assert append is not None, "an entry cannot be read"
            found.append(append.entry.id)
    return found


def segments(data: Path) -> list[Path]:
    """The files that hold it."""
    return sorted((data / "outbox").glob("*.segment"))
