"""When a capture process is started, killed and started again. Pure: seconds in, phases out.

Somebody else starts, kills and reaps (``devices.camera``) and tells here what happened. A process
that says nothing for too long is killed; its corpse is waited for before a new one starts, so a
process stuck in the kernel is left alone and never doubled. Waiting grows with failures and is
jittered, up to 10 s: a camera that comes back has to be seen again within 15 s. A failure only
a person can put right (a wrong password, a picture too large) is tried far less often, because
cameras lock accounts after a few wrong logins.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from agent.core.backoff import Backoff, BackoffPolicy
from devices.capture_wire import Cause

SOON = BackoffPolicy(first_s=1.0, max_s=10.0)
SELDOM = BackoffPolicy(first_s=30.0, max_s=300.0)
_FOR_A_PERSON = frozenset({Cause.LOGIN, Cause.TOO_LARGE, Cause.NOT_VIDEO})


class Phase(StrEnum):
    """Where a capture is in its life."""

    WAITING = "waiting"
    LOADING = "loading"
    OPENING = "opening"
    RUNNING = "running"
    DYING = "dying"
    DONE = "done"


class Happening(StrEnum):
    """What a capture goes through."""

    STARTED = "started"
    LOADED = "loaded"
    BEAT = "beat"
    KILLED = "killed"
    GONE = "gone"
    FINISHED = "finished"


TRANSITIONS: dict[tuple[Phase, Happening], Phase] = {
    (Phase.WAITING, Happening.STARTED): Phase.LOADING,
    (Phase.WAITING, Happening.GONE): Phase.WAITING,  # it could not even be started
    (Phase.LOADING, Happening.LOADED): Phase.OPENING,
    (Phase.LOADING, Happening.KILLED): Phase.DYING,
    (Phase.LOADING, Happening.GONE): Phase.WAITING,
    (Phase.OPENING, Happening.BEAT): Phase.RUNNING,
    (Phase.OPENING, Happening.KILLED): Phase.DYING,
    (Phase.OPENING, Happening.GONE): Phase.WAITING,
    (Phase.OPENING, Happening.FINISHED): Phase.DONE,
    (Phase.RUNNING, Happening.BEAT): Phase.RUNNING,
    (Phase.RUNNING, Happening.KILLED): Phase.DYING,
    (Phase.RUNNING, Happening.GONE): Phase.WAITING,
    (Phase.RUNNING, Happening.FINISHED): Phase.DONE,
    (Phase.DYING, Happening.GONE): Phase.WAITING,
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a capture may say nothing: while it loads, opens its source, and runs; seconds.

    A capture that ran for ``steady_s`` counts as a success: the next failure waits shortly again.
    """

    load_s: float = 20.0
    open_s: float = 25.0
    run_s: float = 10.0
    steady_s: float = 20.0


class CaptureKeeper:
    """One camera's captures, one after another."""

    def __init__(self, patience: Patience, uniform: Callable[[], float], now_s: float) -> None:
        """*uniform* returns a float in [0, 1); the first start is due at once."""
        self._patience = patience
        self._soon = Backoff(SOON, uniform)
        self._seldom = Backoff(SELDOM, uniform)
        self._phase = Phase.WAITING
        self._until_s = now_s
        self._running_since_s = math.inf
        self._starts = 0

    @property
    def phase(self) -> Phase:
        """Where the present capture is."""
        return self._phase

    @property
    def restarts(self) -> int:
        """How often a capture was started after the first one."""
        return max(self._starts - 1, 0)

    def due_s(self) -> float:
        """When something is due: a start or a kill; infinity when nothing is."""
        return self._until_s

    def start_is_due(self, now_s: float) -> bool:
        """Whether to start a capture now."""
        return self._phase is Phase.WAITING and now_s >= self._until_s

    def kill_is_due(self, now_s: float) -> bool:
        """Whether the capture has been silent for too long and is to be killed now."""
        alive = self._phase in {Phase.LOADING, Phase.OPENING, Phase.RUNNING}
        return alive and now_s >= self._until_s

    def may(self, happening: Happening) -> bool:
        """Whether that can happen now; a capture that claims otherwise is not to be believed."""
        return (self._phase, happening) in TRANSITIONS

    def started(self, now_s: float) -> None:
        """A process was started."""
        self._move(Happening.STARTED)
        self._starts += 1
        self._until_s = now_s + self._patience.load_s

    def loaded(self, now_s: float) -> None:
        """The process is loaded and begins to open its source."""
        self._move(Happening.LOADED)
        self._until_s = now_s + self._patience.open_s

    def beat(self, now_s: float) -> None:
        """The capture runs and says so."""
        if self._phase is Phase.OPENING:
            self._running_since_s = now_s
        self._move(Happening.BEAT)
        self._until_s = now_s + self._patience.run_s
        if now_s - self._running_since_s >= self._patience.steady_s:
            self._soon.succeeded()
            self._seldom.succeeded()

    def killed(self) -> None:
        """The process was sent SIGKILL."""
        self._move(Happening.KILLED)
        self._until_s = math.inf

    def finished(self) -> None:
        """A file that is not looped came to its end: nothing is started any more."""
        self._move(Happening.FINISHED)
        self._until_s = math.inf

    def gone(self, now_s: float, cause: Cause | None) -> None:
        """The process is gone (reaped); *cause* as it said itself, None when it said nothing."""
        if self._phase is Phase.DONE:
            return
        self._move(Happening.GONE)
        self._running_since_s = math.inf
        backoff = self._seldom if cause in _FOR_A_PERSON else self._soon
        self._until_s = now_s + backoff.failed()

    def _move(self, happening: Happening) -> None:
        phase = TRANSITIONS.get((self._phase, happening))
        if phase is None:
            raise ValueError(f"a capture that is {self._phase} cannot be {happening}")
        self._phase = phase
