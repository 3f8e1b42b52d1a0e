"""What is written down for those who check the gate later: kinds, who, what.

Here: the words and the port through which any part leaves a note. Not here: the log that keeps
them in a chain (``agent.audit``). A note names entries, commands and documents by their ids; it
never holds a person's name, a code, a picture or a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

What = Mapping[str, str | int | bool]


class AuditKind(StrEnum):
    """What a record of the audit log is about."""

    COMMAND = "command"
    REFUSAL = "refusal"
    ENROLMENT = "enrolment"
    DELETION = "deletion"
    WATCHLIST = "watchlist"
    UNLOCK = "unlock"
    CONFIG = "config"
    KEYS = "keys"
    IDENTITY = "identity"
    VIEW = "view"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest durable record of the log: its number and its hash in hex."""

    n: int
    hash: str


class Auditor(Protocol):
    """Takes notes. Never blocks, never raises; called on the loop."""

    def note(self, kind: AuditKind, who: str, what: What) -> None:
        """Write down that *who* did *what*, now."""


class NoAudit:
    """Writes nothing down: for parts that run without a log, as in tests of them."""

    def note(self, kind: AuditKind, who: str, what: What) -> None:
        """Forget it."""


NO_AUDIT = NoAudit()
