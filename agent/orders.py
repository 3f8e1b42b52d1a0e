"""Commands put together: the gate that checks them, what remembers them, what does them.

Here: the parts and who knows whom. Not here: any of their decisions (``agent.pipeline.commands``,
``agent.access.doors``, ``agent.pipeline.deeds``).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.access.doors import DoorDeed
from agent.config.schema.root import Config
from agent.core.audit import Auditor
from agent.core.clock import Clock
from agent.core.commands import Deed, Result
from agent.core.events import ComponentState, Event
from agent.core.health import HealthBoard
from agent.pipeline.announcer import Announcer
from agent.pipeline.command_checks import Checks, Trust
from agent.pipeline.command_journal import CommandJournal
from agent.pipeline.commands import CommandGate
from agent.pipeline.deeds import FaceSwitch, Telling
from agent.pipeline.nonces import Nonces
from agent.pipeline.observer import Observer
from agent.pipeline.results import Results
from agent.pipeline.switches import Switches
from agent.pipeline.vision_port import VisionPort
from agent.pipeline.wiping import Wipe, Wiped
from contract.signing import TrustedKeys
from contract.words import CommandName, Outcome
from devices.panel import Panel


@dataclass(frozen=True, slots=True)
class Kept:
    """What commands need from the disk."""

    keys: TrustedKeys | None
    journal: CommandJournal
    switches: Switches
    audit: Auditor


@dataclass(frozen=True, slots=True)
class Hands:
    """What commands move and ask; what is made later is asked for when it is needed.

    ``answering``: what the ways of answering obey.
    """

    panel: Panel
    put: Callable[[Event], None]
    later: Callable[[float, Callable[[], None]], object]
    announcer: Callable[[], Announcer]
    vision: Callable[[], VisionPort]
    observer: Observer
    wiped: Wiped
    answering: Mapping[CommandName, Deed]


class Orders:
    """Everything about commands. Runs on the loop."""

    def __init__(
        self, config: Config, kept: Kept, hands: Hands, health: HealthBoard, clock: Clock
    ) -> None:
        address = config.node.address
        self._kept = kept
        self._hands = hands
        self._health = health
        self._fixed_off = config.privacy.face_off
        self._nonces = Nonces(clock, _fresh, lambda: hands.later(0.0, self._beat))
        self.doors = DoorDeed(
            config.access.doors,
            config.outputs,
            hands.panel,
            clock,
            put=hands.put,
            later=hands.later,
        )
        self.results = Results(address, kept.journal, self._publish, hands.later)
        checks = Checks(Trust(kept.keys, address), clock, self._nonces, kept.journal)
        deeds = self._deeds(config)
        self.gate = CommandGate(checks, kept.journal, deeds, clock, self._tell, kept.audit)
        self._note()

    @property
    def face_off(self) -> bool:
        """True while no face may be looked for, by the site's file or the station's word."""
        return self._fixed_off or self._kept.switches.face_off

    def faces_off(self) -> None:
        """End all face work, until the station says otherwise; StoreError when not durable."""
        self._switch_faces(True)

    def nonce(self) -> str | None:
        """What the heartbeat says for commands to repeat; None while the clock is synced."""
        return self._nonces.say()

    def resume(self) -> None:
        """End what an earlier life left open, once inputs tell how the doors stand."""
        self.gate.resume()

    def _deeds(self, config: Config) -> Mapping[CommandName, Deed]:
        hands = self._hands
        return {
            CommandName.DOOR_OPEN: self.doors,
            CommandName.REBIRTH: Telling(lambda: hands.announcer().rebirth()),
            CommandName.SELFTEST: Telling(hands.observer.selftest),
            CommandName.FACE_OFF: FaceSwitch(
                lambda: self.face_off, self._switch_faces, fixed=self._fixed_off
            ),
            CommandName.WIPE: Wipe(config.node.address.client_id, hands.wiped),
            **hands.answering,
        }

    def _switch_faces(self, off: bool) -> None:  # noqa: FBT001 - one switch, one word
        self._kept.switches.set_face_off(off=off)
        self._hands.vision().switch_faces(on=not self.face_off)
        self._hands.announcer().models_changed()
        self._note()

    def _publish(self, topic: str, body: bytes) -> bool:
        return self._hands.announcer().publish(topic, body)

    def _beat(self) -> None:
        self._hands.announcer().beat_once()

    def _tell(self, result: Result, *, drill: bool) -> None:
        self.results(result, drill=drill)
        self._note()

    def _note(self) -> None:
        """How commands went, for the heartbeat."""
        counts, refusal = self.gate.counts, self.gate.last_refusal
        figures = {outcome.value: counts[outcome] for outcome in Outcome}
        damaged = self._kept.journal.damaged
        state = ComponentState.DEGRADED if damaged else ComponentState.OK
        reason = "their memory is damaged; none is obeyed" if damaged else ""
        self._health.note("commands", state, reason, **figures, last_refusal=refusal)
        self._health.note("faces", ComponentState.OK, off=self.face_off)


def _fresh() -> str:
    """24 characters that nobody guesses."""
    return secrets.token_urlsafe(18)
