"""What people at the gate, its station and its neighbours say to it, as frozen values.

Here: answers, orders, tasks, calls and notices, each with the stamp of its coming. Not here: what
happens at the gate itself, and all of it together (``agent.core.events``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agent.core.clock import Stamp
from agent.core.text import Text
from contract.words import CommandName, Status


class Answer(StrEnum):
    """What a person at the gate may say to something that waits for them."""

    SEEN = "seen"
    COMING = "coming"
    ARRIVED = "arrived"
    CANNOT = "cannot"
    ACCEPTED = "accepted"
    DONE = "done"
    DECLINED = "declined"
    PRESENT = "present"
    CONFIRM = "confirm"
    REJECT = "reject"


class Helper(StrEnum):
    """Whose help a person is, from nearest to farthest."""

    GUARD = "guard"
    NEIGHBOUR = "neighbour"
    POLICE = "police"


@dataclass(frozen=True, slots=True)
class GuardAnswered:
    """A person at the gate answered.

    ``about`` is the id of what is answered, None for the first that takes it (``Ways.items``);
    ``who`` a role or badge; ``by`` what it was said with (``button``, ``card``, ``keypad``,
    ``command``), and ``device`` which one, empty for a command.
    """

    at: Stamp
    answer: Answer
    who: str
    by: str
    helper: Helper = Helper.GUARD
    about: str | None = None
    eta_s: float | None = None
    note: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A signed command that a way of answering obeys; its arguments are checked already."""

    at: Stamp
    name: CommandName
    cmd_id: str
    issuer: str
    args: Mapping[str, object]
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class TaskGiven:
    """A task for this gate, signed by its station; ``digest`` names its content.

    ``due_s`` is how long after ``at`` it is due, None for a task without an end.
    """

    at: Stamp
    task_id: str
    issuer: str
    en: str
    zh: str
    where: str
    due_s: float | None
    digest: str
    incident: str = ""
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class TaskRefused:
    """A task that this gate does not take, and why."""

    at: Stamp
    task_id: str
    reason: str
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class BadgeShown:
    """A card or code at a reader was looked up; ``person`` is None when nobody has it.

    ``digit`` is the answer that was keyed before the code, None for the reader's own.
    """

    at: Stamp
    reader: str
    by: str
    person: str | None
    digit: int | None = None


@dataclass(frozen=True, slots=True)
class ProfileOrdered:
    """The station orders a profile by a signed document; None: back to the calendar.

    ``refused``: why the document is not to be used; the rest is empty then.
    """

    at: Stamp
    profile: str | None = None
    version: int = 0
    digest: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class BulletinPosted:
    """A signed notice stands for an area of this gate; good until ``expires_ns`` (UTC)."""

    at: Stamp
    area: str
    bulletin_id: str
    issuer: str
    text: Text
    issued_ns: int
    expires_ns: int
    status: Status


@dataclass(frozen=True, slots=True)
class BulletinWithdrawn:
    """No notice stands for that area any more."""

    at: Stamp
    area: str


@dataclass(frozen=True, slots=True)
class BulletinRefused:
    """What stood for that area is not shown; ``reason`` starts with a word of ``Refusal``."""

    at: Stamp
    area: str
    bulletin_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class AreaCalled:
    """An area of this gate is called, for ``valid_s`` seconds from now.

    ``caller`` is ``site/node`` of the gate where help is wanted, empty when none is named;
    ``issuer`` who signed the call, empty: an agreed neighbour calls, by the broker's rights alone.
    """

    at: Stamp
    area: str
    call_id: str
    kind: str
    text: Text
    where: str
    caller: str
    issuer: str
    valid_s: float
    status: Status


@dataclass(frozen=True, slots=True)
class CallUnused:
    """A call that is not shown, and why: ``reason`` is a word of ``contract.words.Refusal``."""

    at: Stamp
    area: str
    call_id: str
    reason: str
    detail: str
    status: Status
