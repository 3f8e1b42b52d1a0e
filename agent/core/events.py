"""What happened, as frozen values: everything the dispatcher can be told.

Here: facts, each with the stamp of its cause. Not here: what people and the station say
(``agent.core.answers``), what follows (``agent.core.decisions``), what is sent
(``agent.core.alerts``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agent.core.answers import (
    AreaCalled,
    BadgeShown,
    BulletinPosted,
    BulletinRefused,
    BulletinWithdrawn,
    CallUnused,
    GuardAnswered,
    Ordered,
    ProfileOrdered,
    TaskGiven,
    TaskRefused,
)
from agent.core.clock import Stamp
from agent.core.ids import AlertId, CameraName, DeviceName, EntryId, IncidentId
from agent.core.text import Text
from contract.words import Kind, Severity, Status


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
    that agreed; ``quality`` 0 to 1; ``direction`` which way the face went, if it did;
    ``review_only`` the pack's leads are for a person's review: only a drill's goes out;
    ``liveness`` pass, refuse or undecided over those frames, None when nothing checks it.
    ``picture`` names the one that is held for it, ``withheld`` why there is none.
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
    review_only: bool = False
    liveness: str | None = None
    picture: str = ""
    withheld: str = ""


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
