"""What happened, as frozen values: everything the dispatcher can be told.

Here: facts, each with the stamp of its cause. Not here: what follows from them
(``agent.core.decisions``) or what is sent about them (``agent.core.alerts``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agent.core.clock import Stamp
from agent.core.ids import AlertId, CameraName, DeviceName, EntryId, IncidentId
from agent.core.text import Text
from contract.words import CommandName, Kind, Severity, Status


class InputState(StrEnum):
    """What an input says, in the words of its kind."""

    PRESSED = "pressed"
    RELEASED = "released"
    OPEN = "open"
    CLOSED = "closed"
    INTACT = "intact"
    CUT = "cut"
    SHORTED = "shorted"
    PRESENT = "present"
    ABSENT = "absent"
    FAULT = "fault"


class CameraState(StrEnum):
    """How a camera does."""

    OK = "ok"
    LOST = "lost"
    FROZEN = "frozen"
    DARK = "dark"


class ComponentState(StrEnum):
    """How a part of the agent does, as the heartbeat tells it."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class InputChanged:
    """An input settled on a new state; ``at`` is the first edge, not the end of debouncing.

    ``initial`` marks the level found when the agent started.
    """

    at: Stamp
    device: DeviceName
    state: InputState
    initial: bool = False


@dataclass(frozen=True, slots=True)
class LatchReset:
    """A person at the gate reset the latched alarms (of one device, or all when None)."""

    at: Stamp
    device: DeviceName | None
    by: str


@dataclass(frozen=True, slots=True)
class DoorReleased:
    """A door was released on purpose and may open for ``for_s`` seconds.

    ``cause`` is what released it, in a word; ``details`` who and why.
    """

    at: Stamp
    door: str
    cause: str
    for_s: float
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CameraChanged:
    """A camera's state changed; ``reason`` is for people."""

    at: Stamp
    camera: CameraName
    state: CameraState
    reason: str


@dataclass(frozen=True, slots=True)
class FaceLead:
    """A track matched a watchlist entry well enough to be a lead; never carries a face.

    ``score`` and ``threshold`` are in the pack's score, higher is more alike; ``margin`` is the
    distance to the best other entry in the same unit (None with one entry); ``frames`` the frames
    that agreed; ``quality`` 0 to 1; ``direction`` which way the face went, if it did.
    """

    at: Stamp
    camera: CameraName
    track: int
    entry_id: EntryId
    exercise: bool
    score: float
    threshold: float
    margin: float | None
    frames: int
    quality: float
    model_id: str
    direction: str | None = None


@dataclass(frozen=True, slots=True)
class FaceReview:
    """A likeness that is no lead: a person at the gate looks, and nothing of it leaves the gate.

    ``held``: it would be a lead, but the pack's leads are for review only.
    """

    at: Stamp
    lead: FaceLead
    held: bool


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The path to the broker came up or went away."""

    at: Stamp
    up: bool
    reason: str


@dataclass(frozen=True, slots=True)
class HostChanged:
    """The station's software says whether it listens; *reason* when it did not say so itself."""

    at: Stamp
    online: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StorageChanged:
    """The outbox can (not) be written durably."""

    at: Stamp
    ok: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ClockChanged:
    """The wall clock became synchronised, lost its source, or stepped by ``step_s`` seconds."""

    at: Stamp
    synced: bool
    step_s: float = 0.0


@dataclass(frozen=True, slots=True)
class AckReceived:
    """The station's word on one of our alerts."""

    at: Stamp
    alert_id: AlertId
    stage: str
    by: str


class Stand(StrEnum):
    """Where an incident of this gate stands."""

    OPENED = "opened"
    UPDATED = "updated"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class IncidentChanged:
    """An incident was opened or went on (``alert`` tells of it), or ended."""

    at: Stamp
    incident: IncidentId
    stand: Stand
    kind: Kind
    severity: Severity
    status: Status
    device: str
    where: str
    alert: AlertId | None = None
    text: Text | None = None
    rule: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


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

    ``about`` is the id of what is answered, None for whatever waits longest for this answer;
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


@dataclass(frozen=True, slots=True)
class HookEnded:
    """A hook that was run about an incident ended; ``detail`` says why when it did not do it."""

    at: Stamp
    incident: str
    hook: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class EntryGone:
    """An entry of the hot list went by itself: expired, wiped, or its photos refused."""

    at: Stamp
    entry_id: EntryId
    exercise: bool
    why: str


@dataclass(frozen=True, slots=True)
class Probe:
    """The watchdog's question: passes the whole way and is answered by being dispatched."""

    at: Stamp
    number: int


Event = (
    InputChanged
    | LatchReset
    | DoorReleased
    | CameraChanged
    | FaceLead
    | FaceReview
    | LinkChanged
    | HostChanged
    | StorageChanged
    | ClockChanged
    | AckReceived
    | IncidentChanged
    | GuardAnswered
    | Ordered
    | TaskGiven
    | TaskRefused
    | BadgeShown
    | ProfileOrdered
    | BulletinPosted
    | BulletinWithdrawn
    | BulletinRefused
    | AreaCalled
    | CallUnused
    | HookEnded
    | EntryGone
    | Probe
)
