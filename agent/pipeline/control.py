"""The only way back in: what the station says becomes events, deeds and answers.

Everything here came from outside. What cannot be used is counted, logged and, where the contract
has a place for it, answered; nothing of it stops the gate.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from agent.border.inbound import read_model
from agent.core.alerts import drill_mark
from agent.core.clock import Clock, stamp
from agent.core.errors import RefusedError
from agent.core.events import AckReceived, Event, HostChanged
from agent.core.ids import AlertId
from agent.core.ports import Received
from agent.pipeline.commands import CommandGate
from agent.pipeline.host import HostWatch
from agent.watchlist.service import Watchlist
from contract.topics import Address, parse_gate_topic
from contract.words import MAX_MESSAGE_BYTES, Document, Refusal

log = logging.getLogger(__name__)

LOG_FIRST = 10
_M = TypeVar("_M", bound=BaseModel)


class _Ack(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    alert_id: Annotated[str, Field(min_length=1, max_length=64)]
    stage: Literal["received", "seen", "handling", "closed"]
    by: Annotated[str, Field(max_length=200)] = ""
    at: str = ""


class _Host(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    online: bool
    period_s: Annotated[float, Field(ge=1, le=3600)] | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Where answers go. ``put`` takes events, ``acked`` the id of an entry the station has."""

    put: Callable[[Event], None]
    acked: Callable[[str], object]
    publish: Callable[[str, bytes, bool], None]


class Control:
    """Hears every message of the link."""

    def __init__(
        self,
        address: Address,
        clock: Clock,
        commands: CommandGate,
        watchlist: Watchlist,
        answers: Answers,
    ) -> None:
        self._address = address
        self._clock = clock
        self._commands = commands
        self._watchlist = watchlist
        self._answers = answers
        self._watch = HostWatch()
        self.malformed = 0

    def hear(self, message: Received) -> None:
        """Handle one message; never raises."""
        try:
            self._hear(message)
        except RefusedError as error:
            self.malformed += 1
            if self.malformed <= LOG_FIRST or self.malformed % 1000 == 0:
                log.warning("message on %s not used: %s", message.topic, error)
        except Exception:
            self.malformed += 1
            log.exception("message on %s not handled", message.topic)

    def _hear(self, message: Received) -> None:
        if message.topic == self._address.host_state():
            self._host(message)
            return
        topic = parse_gate_topic(message.topic)
        if topic is None or topic.address != self._address:
            raise RefusedError(Refusal.UNEXPECTED, "not a topic of this gate")
        match topic.rest:
            case ("ack",):
                self._ack(message)
            case ("cmd", name):
                self._command(name, message, drill=topic.drill)
            case ("desired", name):
                self._desired(name, message, drill=topic.drill)
            case _:
                raise RefusedError(Refusal.UNEXPECTED, "nothing is expected here")

    def _host(self, message: Received) -> None:
        if not message.payload:
            return
        host = _read(_Host, message)
        now = stamp(self._clock)
        self._watch.heard(online=host.online, period_s=host.period_s, now_ns=now.monotonic_ns)
        self._answers.put(HostChanged(now, host.online))

    def time_passed(self) -> None:
        """To be called now and then: is the station's word still good?"""
        now = stamp(self._clock)
        if self._watch.overdue(now.monotonic_ns):
            self._answers.put(HostChanged(now, online=False, reason="not heard for too long"))

    def _ack(self, message: Received) -> None:
        ack = _read(_Ack, message)
        self._answers.acked(ack.alert_id)
        event = AckReceived(stamp(self._clock), AlertId(ack.alert_id), ack.stage, ack.by)
        self._answers.put(event)

    def _command(self, name: str, message: Received, *, drill: bool) -> None:
        if not message.payload and message.retained:
            return
        result = self._commands.handle(name, message.payload, retained=message.retained)
        topic = self._address.topic("result", drill=drill)
        self._answers.publish(topic, result.body(drill=drill), False)

    def _desired(self, name: str, message: Received, *, drill: bool) -> None:
        if not message.payload:
            log.info("%s was emptied at the broker; what stands at the gate stays", message.topic)
            return
        try:
            self._apply(name, message.payload, drill=drill)
        except RefusedError as error:
            self._refused(name, error, drill=drill)
            raise

    def _apply(self, name: str, payload: bytes, *, drill: bool) -> None:
        if name != Document.WATCHLIST:
            raise RefusedError(Refusal.UNSUPPORTED, f"this gate keeps no '{name[:32]}'")
        self._watchlist.apply(payload, drill=drill)

    def _refused(self, name: str, error: RefusedError, *, drill: bool) -> None:
        """Tell the station what stands and why its document does not."""
        standing: Mapping[str, object] = {
            "version": 0,
            "hash": "",
            "applied_at": None,
            "rejected": [],
        }
        for applied in self._watchlist.applied():
            if name == Document.WATCHLIST and (applied.status == "Exercise") is drill:
                standing = applied.report()
        mark = drill_mark(drill=drill)
        body = json.dumps(
            {**standing, **mark, "refused": str(error)[:300]}, ensure_ascii=False
        ).encode()
        if name in set(Document):
            topic = self._address.topic("reported", name, drill=drill)
            self._answers.publish(topic, body, True)


def _read(model: type[_M], message: Received) -> _M:
    return read_model(model, message.payload, MAX_MESSAGE_BYTES)[0]
