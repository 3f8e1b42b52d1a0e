"""The only way back in: what the station says becomes events, deeds and answers.

Everything here came from outside. What cannot be used is counted, logged and, where the contract
has a place for it, answered; nothing of it stops the gate.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from agent.border.inbound import read_model
from agent.core.clock import Clock, stamp
from agent.core.errors import RefusedError
from agent.core.events import AckReceived, Event, HostChanged
from agent.core.ids import AlertId
from agent.core.ports import Received
from agent.pipeline.area_calls import AreaCalls
from agent.pipeline.bulletins import Bulletins
from agent.pipeline.commands import CommandGate
from agent.pipeline.desired import Desired
from agent.pipeline.host import HostWatch
from agent.runtime.ration import Ration, suffix
from contract.topics import CALL, Address, parse_gate_topic
from contract.words import MAX_MESSAGE_BYTES, Document, Refusal

log = logging.getLogger(__name__)

_M = TypeVar("_M", bound=BaseModel)


class _Ack(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, defer_build=True)
    alert_id: Annotated[str, Field(min_length=1, max_length=64)]
    stage: Literal["received", "seen", "handling", "closed"]
    by: Annotated[str, Field(max_length=200)] = ""
    at: str = ""


class _Host(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, defer_build=True)
    online: bool
    period_s: Annotated[float, Field(ge=1, le=3600)] | None = None


class ReadsTask(Protocol):
    """The ways of answering, as a task finds them."""

    def __call__(self, task_id: str, payload: bytes, *, drill: bool) -> Event:
        """What the task means for this gate."""


class ReadsDocument(Protocol):
    """The same for a document."""

    def __call__(self, payload: bytes, *, drill: bool) -> Event:
        """What the document means for this gate."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Where answers go. ``put`` takes events, ``acked`` the id of an entry the station has.

    ``station`` hears whether the station listens; ``task`` and ``profile`` read what is for the
    guard and for the calendar.
    """

    put: Callable[[Event], None]
    acked: Callable[[str], object]
    station: Callable[[bool], None]
    task: ReadsTask | None = None
    profile: ReadsDocument | None = None


class Control:
    """Hears every message of the link."""

    def __init__(
        self,
        address: Address,
        clock: Clock,
        commands: CommandGate,
        desired: Desired,
        answers: Answers,
    ) -> None:
        self._address = address
        self._clock = clock
        self._commands = commands
        self._desired = desired
        self._answers = answers
        self._watch = HostWatch()
        self._bulletins = Bulletins(clock, commands.vouch, answers.put)
        self._calls = AreaCalls(address, clock, commands.vouch, answers.put)
        self._ration = Ration()
        self.malformed = 0

    def hear(self, message: Received) -> None:
        """Handle one message; never raises."""
        try:
            self._hear(message)
        except RefusedError as error:
            self.malformed += 1
            withheld = self._ration.take(self._clock.monotonic_ns())
            if withheld is not None:
                log.warning("message on %s not used: %s%s", message.topic, error, suffix(withheld))
        except Exception:
            self.malformed += 1
            log.exception("message on %s not handled", message.topic)

    def _hear(self, message: Received) -> None:
        if message.topic == self._address.host_state():
            self._host(message)
            return
        about = self._address.area_topic(message.topic)
        if about is not None:
            area, what = about
            (self._calls if what == CALL else self._bulletins).hear(area, message)
            return
        topic = parse_gate_topic(message.topic)
        if topic is None or topic.address != self._address:
            raise RefusedError(Refusal.UNEXPECTED, "not a topic of this gate")
        match topic.rest:
            case ("ack",):
                self._ack(message)
            case ("cmd", name):
                self._command(name, message, drill=topic.drill)
            case ("desired", Document.PROFILE) if self._answers.profile and message.payload:
                self._answers.put(self._answers.profile(message.payload, drill=topic.drill))
            case ("desired", name):
                self._desired.hear(name, message.payload, drill=topic.drill)
            case ("desired", name, number):
                self._desired.hear_chunk(name, number, message.payload, drill=topic.drill)
            case ("task", task_id) if self._answers.task is not None:
                self._answers.put(self._answers.task(task_id, message.payload, drill=topic.drill))
            case _:
                raise RefusedError(Refusal.UNEXPECTED, "nothing is expected here")

    def _host(self, message: Received) -> None:
        if not message.payload:
            return
        host = _read(_Host, message)
        now = stamp(self._clock)
        self._watch.heard(online=host.online, period_s=host.period_s, now_ns=now.monotonic_ns)
        self._answers.station(host.online)
        self._answers.put(HostChanged(now, host.online))

    def time_passed(self) -> None:
        """To be called now and then: is the station's word still good?"""
        now = stamp(self._clock)
        if self._watch.overdue(now.monotonic_ns):
            self._answers.station(False)
            self._answers.put(HostChanged(now, online=False, reason="not heard for too long"))

    def _ack(self, message: Received) -> None:
        ack = _read(_Ack, message)
        self._answers.acked(ack.alert_id)
        event = AckReceived(stamp(self._clock), AlertId(ack.alert_id), ack.stage, ack.by)
        self._answers.put(event)

    def _command(self, name: str, message: Received, *, drill: bool) -> None:
        if not message.payload and message.retained:
            return
        self._commands.handle(name, message.payload, retained=message.retained, drill=drill)


def _read(model: type[_M], message: Received) -> _M:
    return read_model(model, message.payload, MAX_MESSAGE_BYTES)[0]
