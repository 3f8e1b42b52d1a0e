"""The closed vocabularies of the wire, version 1.

Here: every word that a message may carry and that both an agent and a station must know.
Not here: shapes of messages (``contract/schemas``), topics (``contract.topics``), behaviour.

Sources: CONTRACT sections 1 to 4; ``Status``, ``MsgType`` and ``Urgency`` are OASIS CAP 1.2,
``Severity`` is ITU-T X.733 without *cleared* and *indeterminate*.
"""

from __future__ import annotations

from enum import StrEnum

CONTRACT_VERSION = 1
MAX_MESSAGE_BYTES = 256 * 1024
MAX_ALERT_BYTES = 8 * 1024
MAX_ENTRIES = 10_000
MAX_VERSION = 2**31 - 1
MAX_CHUNKS = 999
MAX_CHUNKED_BYTES = 16 * 1024 * 1024


class Status(StrEnum):
    """Whether a message is about the world, a drill or a technical test (CAP ``status``)."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    TEST = "Test"


class MsgType(StrEnum):
    """Where a message stands in the life of its incident (CAP ``msgType``)."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"


class Severity(StrEnum):
    """How bad it is, worst first when compared with :attr:`rank`."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"

    @property
    def rank(self) -> int:
        """4 for critical down to 1 for warning; a rise in rank passes every cooldown."""
        return {"critical": 4, "major": 3, "minor": 2, "warning": 1}[self.value]


class Urgency(StrEnum):
    """How soon somebody has to act (CAP ``urgency``)."""

    IMMEDIATE = "immediate"
    EXPECTED = "expected"
    FUTURE = "future"
    PAST = "past"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """What an alert is about; its CloudEvents type is ``gatehouse.alert.{kind}``."""

    PANIC = "panic"
    DURESS = "duress"
    MEDICAL = "medical"
    ASSIST = "assist"
    TAMPER = "tamper"
    DOOR_FORCED = "door.forced"
    DOOR_HELD = "door.held"
    WATCHLIST_FACE = "watchlist.face"
    MISSING_SIGHTING = "missing.sighting"
    TRACK_SIGHTING = "track.sighting"
    WATCHLIST_PLATE = "watchlist.plate"
    VEHICLE_LOCKED_EXIT = "vehicle.locked_exit"
    INTRUSION = "intrusion"
    LOITER = "loiter"
    CROWD = "crowd"
    TAILGATE = "tailgate"
    GUARD_ABSENT = "guard.absent"
    PATROL_MISSED = "patrol.missed"
    CAMERA_LOST = "camera.lost"
    CAMERA_BLIND = "camera.blind"
    STORAGE_DEGRADED = "storage.degraded"
    CLOCK_UNSYNCED = "clock.unsynced"
    LINK_DEGRADED = "link.degraded"
    RETENTION_SHORT = "retention.short"
    SLA_BREACH = "sla.breach"

    @property
    def event_type(self) -> str:
        """The CloudEvents ``type`` of an alert of this kind."""
        return f"gatehouse.alert.{self.value}"


class Stage(StrEnum):
    """How far a station has come with an alert; the order of the members is the order of work."""

    RECEIVED = "received"
    SEEN = "seen"
    HANDLING = "handling"
    CLOSED = "closed"

    @property
    def rank(self) -> int:
        """0 for received up to 3 for closed; a stage never goes back."""
        return list(Stage).index(self)


class Outcome(StrEnum):
    """How a command ended at the gate."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Refusal(StrEnum):
    """Why a command or a document was refused; a refused result's ``reason`` starts with it."""

    MALFORMED = "malformed"
    UNEXPECTED = "unexpected"
    TOO_LARGE = "too-large"
    RETAINED = "retained"
    UNKNOWN_COMMAND = "unknown-command"
    UNSUPPORTED = "unsupported"
    WRONG_NODE = "wrong-node"
    UNKNOWN_ISSUER = "unknown-issuer"
    WRONG_ROLE = "wrong-role"
    BAD_SIGNATURE = "bad-signature"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    CLOCK_UNSYNCED = "clock-unsynced"
    COUNTER = "counter"
    REPEATED = "repeated"
    BUSY = "busy"
    OLDER_VERSION = "older-version"
    NOT_STORED = "not-stored"
    INCOMPLETE = "incomplete"
    EMPTY = "empty"


class Role(StrEnum):
    """What a station key may sign. Separate keys for separate powers."""

    DOOR = "door"
    WATCHLIST = "watchlist"
    CONFIG = "config"
    DRILL = "drill"
    WIPE = "wipe"


class CommandName(StrEnum):
    """Commands of version 1."""

    DOOR_OPEN = "door.open"
    AREA_CALL = "area.call"
    ANNOUNCE = "announce"
    DRILL_START = "drill.start"
    DRILL_STOP = "drill.stop"
    TRACK_START = "track.start"
    TRACK_STOP = "track.stop"
    SEARCH_START = "search.start"
    SEARCH_STOP = "search.stop"
    POST_CHALLENGE = "post.challenge"
    BARRIER_OVERRIDE = "barrier.override"
    EVIDENCE_HOLD = "evidence.hold"
    FACE_OFF = "face.off"
    REBIRTH = "rebirth"
    SELFTEST = "selftest"
    WIPE = "wipe"
    LEAD_VERDICT = "lead.verdict"

    @property
    def role(self) -> Role:
        """The role whose key must have signed a command of this name."""
        return _ROLE_OF[self]


_ROLE_OF = {
    CommandName.DOOR_OPEN: Role.DOOR,
    CommandName.BARRIER_OVERRIDE: Role.DOOR,
    CommandName.TRACK_START: Role.WATCHLIST,
    CommandName.TRACK_STOP: Role.WATCHLIST,
    CommandName.SEARCH_START: Role.WATCHLIST,
    CommandName.SEARCH_STOP: Role.WATCHLIST,
    CommandName.LEAD_VERDICT: Role.WATCHLIST,
    CommandName.DRILL_START: Role.DRILL,
    CommandName.DRILL_STOP: Role.DRILL,
    CommandName.WIPE: Role.WIPE,
    CommandName.AREA_CALL: Role.CONFIG,
    CommandName.ANNOUNCE: Role.CONFIG,
    CommandName.POST_CHALLENGE: Role.CONFIG,
    CommandName.EVIDENCE_HOLD: Role.CONFIG,
    CommandName.FACE_OFF: Role.CONFIG,
    CommandName.REBIRTH: Role.CONFIG,
    CommandName.SELFTEST: Role.CONFIG,
}


class Document(StrEnum):
    """Documents that a station keeps on a gate through ``~/desired/{doc}``."""

    WATCHLIST = "watchlist"
    RESIDENTS = "residents"
    VISITORS = "visitors"
    PLATES = "plates"
    PROFILE = "profile"
    ROSTER = "roster"


FACE_LEADS = frozenset({Kind.WATCHLIST_FACE, Kind.MISSING_SIGHTING, Kind.TRACK_SIGHTING})
"""Kinds of alerts that are leads: nobody acts on one before two persons confirmed it."""


class ListName(StrEnum):
    """Which list a watchlist entry belongs to."""

    WANTED = "wanted"
    MISSING = "missing"
    BARRED = "barred"
