"""Audit logs for tests: chains made in memory, and a log whose worker and loop are waited for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.audit.chain import START, Chain, Verdict
from agent.audit.log import AuditLog
from agent.audit.record import MacKey, line_of, sealed
from agent.core.audit import AuditKind, Head, What
from agent.core.clock import ManualClock, stamp
from tests.support.outbox import Loop

KEY = MacKey("k1", bytes(range(32)))
OTHER_KEY = MacKey("k2", bytes(32))
KINDS = (AuditKind.COMMAND, AuditKind.REFUSAL, AuditKind.UNLOCK, AuditKind.WATCHLIST)


def chain(
    count: int, clock: ManualClock, *, key: MacKey | None = KEY, after: Head = START
) -> list[bytes]:
    """The lines of *count* records that follow *after*."""
    lines = []
    for number in range(after.n + 1, after.n + 1 + count):
        clock.advance(1.0)
        kind = KINDS[number % len(KINDS)]
        what: What = {"cmd_id": f"cmd-{number:08d}", "done": number % 2 == 0, "late_ms": number}
        made = sealed(number, after.hash, stamp(clock), kind, "cancheng", what, key)
        lines.append(line_of(made))
        after = Head(made.n, made.hash)
    return lines


def walked(lines: Sequence[bytes], *heads: Head, keys: Sequence[MacKey] | None = (KEY,)) -> Verdict:
    """What a walk over *lines* finds."""
    walk = Chain(keys, heads)
    for line in lines:
        walk.feed(line)
    return walk.verdict()


class Recorder:
    """Takes notes and keeps them in a list."""

    def __init__(self) -> None:
        self.notes: list[tuple[AuditKind, str, What]] = []

    def note(self, kind: AuditKind, who: str, what: What) -> None:
        """Keep it."""
        self.notes.append((kind, who, what))


class Bench:
    """A log on a folder; ``troubles`` is what it told."""

    def __init__(self, folder: Path, clock: ManualClock, key: MacKey | None = KEY) -> None:
        self.folder = folder
        self.loop = Loop()
        self.troubles: list[tuple[str, str | None]] = []
        self.log = AuditLog(
            folder,
            key,
            clock=clock,
            post=self.loop.post,
            on_trouble=lambda code, text: self.troubles.append((code, text)),
        )
        self.log._worker.hurry.set()

    def note(self, count: int = 1) -> None:
        """Note so many unlocks."""
        for number in range(count):
            self.log.note(AuditKind.UNLOCK, "gate", {"output": "lock-1", "number": number})

    def reaches(self, number: int) -> None:
        """Wait until record *number* is durable."""
        self.loop.until(lambda: (self.log.head or START).n >= number)

    def life(self, count: int = 0) -> None:
        """Open, note so many, close."""
        self.log.open()
        self.note(count)
        self.log.close()
