"""What ``station serve`` does beside serving: keeps its broker, its certificates, its door shut.

A thread of its own looks twice a second whether the access list, the revocation list or the
broker's certificate changed, whoever changed them, and has the broker read them anew; revoked gates
lose their session. So a revocation takes effect within seconds (docs/brokers.md: 60 at most).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from agent.core.errors import GatehouseError, UnreachableError
from contract.join import Place
from station.trust.authority import Authority
from station.trust.broker import OwnBroker
from station.trust.dismiss import dismiss
from station.trust.files import Plan, TrustFiles
from station.trust.questions import Tell
from station.trust.registry import Registry
from station.trust.setup import renew_own

TURN_S = 0.5
OWN_CHECK_S = 600.0
DISMISS_AFTER_S = (1.0, 5.0, 20.0, 45.0)
STOP_S = 15.0


@dataclass(slots=True)
class _Going:
    """A revoked gate: when we saw it, and how many times it was sent away."""

    seen_s: float
    tries: int = 0


class Upkeep:
    """Runs from :meth:`start` to :meth:`stop`. ``broker`` None: somebody else runs the broker."""

    def __init__(
        self,
        files: TrustFiles,
        station: str,
        plan: Plan,
        authority: Authority,
        places: Sequence[Place],
        broker: OwnBroker | None,
        tell: Tell,
        monotonic: Callable[[], float],
    ) -> None:
        """*places* are where the broker, or each node of its cluster, is reached."""
        self._files, self._station, self._plan = files, station, plan
        self._authority = authority
        self._places = tuple(places)
        self._broker = broker
        self._tell = tell
        self._monotonic = monotonic
        self._going: dict[str, _Going] = {}
        self._own_check_s = monotonic() + OWN_CHECK_S
        self._known = self._signature()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin; the broker is started before this returns."""
        if self._broker is not None:
            self._broker.keep()
        self._thread.start()

    def stop(self) -> None:
        """End, and the broker with it."""
        self._stopped.set()
        self._thread.join(STOP_S)
        if self._broker is not None:
            self._broker.stop()

    def _run(self) -> None:
        registry = Registry(self._files.registry)
        try:
            while not self._stopped.wait(TURN_S):
                try:
                    self.turn(registry)
                except (GatehouseError, OSError) as error:
                    self._tell("upkeep-failed", {"reason": str(error)})
        finally:
            registry.close()

    def turn(self, registry: Registry) -> None:
        """One look at everything."""
        if self._broker is not None:
            self._broker.keep()
        self._renew_own()
        self._reload()
        self._dismiss(registry)

    def _renew_own(self) -> None:
        now_s = self._monotonic()
        if now_s < self._own_check_s:
            return
        self._own_check_s = now_s + OWN_CHECK_S
        now = datetime.now(UTC)
        made = renew_own(self._files, self._authority, self._station, self._plan, now)
        if made:
            self._tell("own-certificates-renewed", {"which": ", ".join(made)})

    def _reload(self) -> None:
        found = self._signature()
        rotated = self._broker is not None and self._broker.rotate_log()
        if found == self._known and not rotated:
            return
        if self._broker is not None and not self._broker.reload():
            return
        self._known = found
        self._tell("broker-reloaded" if self._broker is not None else "reload-the-broker", {})

    def _dismiss(self, registry: Registry) -> None:
        now_s = self._monotonic()
        for row in registry.gates():
            if row.revoked_ns is None or row.dismissed:
                self._going.pop(row.gate, None)
                continue
            going = self._going.setdefault(row.gate, _Going(now_s))
            if now_s - going.seen_s < DISMISS_AFTER_S[going.tries]:
                continue
            going.tries += 1
            try:
                self._send_away(row.gate)
                self._tell("dismissed", {"gate": row.gate})
            except UnreachableError as error:
                self._tell("dismiss-failed", {"gate": row.gate, "reason": str(error)})
            if going.tries == len(DISMISS_AFTER_S):
                with registry.changing():
                    registry.dismissed(row.gate)

    def _send_away(self, gate: str) -> None:
        """At the first node that answers: a client's name is one for the whole cluster."""
        for place in self._places:
            try:
                dismiss(place, self._files, self._authority, gate)
            except UnreachableError:
                if place == self._places[-1]:
                    raise
            else:
                return

    def _signature(self) -> tuple[tuple[int, int], ...]:
        """Changes when one of the files that the broker reads does."""
        found = []
        for path in (self._files.rights, self._files.revoked, self._files.server):
            try:
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_ino))
            except OSError:
                found.append((0, 0))
        return tuple(found)
