"""The demo's stage: broker, station, agent and vision as real processes, and hands on them."""

from __future__ import annotations

import time
from pathlib import Path

from agent.pipeline.local import ask
from contract.words import Document, Status
from contract.words import Stage as AckStage
from provisioning.demo.broker import BrokerKind, DemoBroker
from provisioning.demo.children import Child, gatehouse
from provisioning.demo.site import NODE, SITE, STATION, Site, write_config, write_entries
from provisioning.demo.story import Expected
from station import actions, keys
from station.board import Alert, Snapshot
from station.gates import Life
from station.snapshot import Reader

KEPT = 200


class Stage:
    """Starts everything in order, stops it in reverse; implements ``story.Hands``."""

    def __init__(
        self, site: Site, models: Path, photos: list[Path], broker: BrokerKind | None
    ) -> None:
        self._site = site
        self._models = models
        self._photos = photos
        self._reader: Reader | None = None
        self.broker = DemoBroker(site.folder / "broker", site.logs, broker)
        self._children: list[Child] = []
        self.board: Snapshot | None = None

    def start(self) -> None:
        """Make the station, the list and the gate's configuration; start all programs."""
        site = self._site
        self.broker.start()
        keys.init(site.station, STATION, "Demonstration station")
        write_config(site, self.broker.port, self.broker.protocol, self._models)
        actions.sign_watchlist(
            site.station,
            write_entries(site, self._photos),
            site.watchlist,
            status=Status.EXERCISE,
            version=None,
            node="*",
            allow_empty=False,
        )
        address = f"127.0.0.1:{self.broker.port}"
        serve = gatehouse("station", "serve", "--dir", str(site.station), "--broker", address)
        commands = {
            "station": [*serve, "--protocol", self.broker.protocol],
            "agent": gatehouse("run", "--config", str(site.config)),
            "vision": gatehouse("vision", "--config", str(site.config)),
        }
        for name, command in commands.items():
            child = Child(name, command, site.logs)
            self._children.append(child)
            child.start()
        made = keys.open_station(site.station)
        self._reader = Reader(made.database, made.id, made.name)

    def stop(self) -> None:
        """Stop what runs, last started first."""
        if self._reader is not None:
            self._reader.close()
        for child in reversed(self._children):
            child.stop()
        self.broker.stop()

    def look(self) -> Snapshot:
        """What the station shows now; CheckFailedError when a program ended on its own."""
        for child in self._children:
            child.check()
        if self._reader is None:
            raise RuntimeError("the stage is not set")
        self.board = self._reader.snapshot(time.time_ns(), KEPT)
        return self.board

    def give_watchlist(self) -> None:
        """Send the drill's list to the gate, as a station does."""
        site = self._site
        actions.send(site.station, f"{SITE}/{NODE}", Document.WATCHLIST, site.watchlist)

    def waiting(self) -> int:
        """How many messages the gate's outbox still holds."""
        outbox = self.ask("status")["outbox"]
        return int(outbox["pending"]) if isinstance(outbox, dict) else -1

    def ask(self, op: str, **arguments: object) -> dict[str, object]:
        """Ask the agent at the gate."""
        return ask(self._site.folder / "run" / "control.sock", op, **arguments)

    def stop_broker(self) -> None:
        """Pull the plug."""
        self.broker.stop()

    def start_broker(self) -> None:
        """Put it back."""
        self.broker.start()

    def arrived(self, expected: Expected) -> Alert | None:
        """The alert at the station, once it is there."""
        alerts = self.board.alerts if self.board is not None else ()
        return next((alert for alert in alerts if expected.fits(alert)), None)

    def ack(self, alert: Alert, stage: AckStage, by: str) -> None:
        """A person at the station says how far they are."""
        actions.ack(self._site.station, alert.id, stage, by, None)

    def gate_online(self) -> bool:
        """The station hears the gate."""
        gates = self.board.gates if self.board is not None else ()
        return any(gate.life is Life.ONLINE for gate in gates)

    def searched(self) -> int:
        """How many entries the gate's cameras look for."""
        return self._count("gallery")

    def compared(self) -> int:
        """How many passers-by the gate has compared with its list."""
        return self._count("compared")

    def _count(self, name: str) -> int:
        """A figure of the vision program; 0 while it is not there."""
        components = self.ask("status")["components"]
        vision = components.get("vision") if isinstance(components, dict) else None
        count = vision.get(name) if isinstance(vision, dict) else None
        return count if isinstance(count, int) else 0
