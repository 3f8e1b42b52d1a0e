"""A whole site for tests: mosquitto, station, agent and vision as processes, and hands on each.

A recorder hears everything from the start. Nothing runs until a test starts it:

    with Site(tmp_path) as site:
        site.start("station", "agent")
        alert = site.press("panic-1")
        site.delivered()

At its end every message that was ever on its broker must have kept to the contract.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.publish as paho_publish
import yaml
from paho.mqtt.client import MQTTv5, MQTTv311

from station import keys
from tests.tools.broker import Broker
from tests.tools.local import Local
from tests.tools.program import Program, gatehouse, until
from tests.tools.recorder import Login, Recorder
from tests.tools.site_config import PANICS, STATION, Place, Section, gate_config
from tests.tools.stored import Stored

GATE = f"gh/v1/{STATION}/liya-garden/gate-1"
STARTED_S = 60.0
DELIVERED_S = 20.0
ISSUE_S = 15.0
LET_GO_S = 0.1


class Site(Local):
    """One gate and its station below *folder*. A context manager that ends what it started."""

    def __init__(
        self,
        folder: Path,
        *,
        login: Login | None = None,
        rubbish: tuple[str, ...] = (),
        addresses: Sequence[Place] = (),
        five: bool = True,
        **sections: Section,
    ) -> None:
        """*sections* are laid over the gate's configuration.

        *rubbish* are regexes of the breaches of the contract that a test makes on purpose.
        *addresses* are brokers that run already, *five* whether they speak MQTT 5; with none, a
        mosquitto is started.
        """
        self.folder = folder
        self.config_path = folder / "gate.yaml"
        self._login = login
        self._rubbish = rubbish
        self._addresses, self._five = list(addresses), five
        self._sections = sections
        self._stack = ExitStack()
        self._buttons: Iterator[str] = cycle(PANICS)
        self._let_go_at: dict[str, float] = {}
        self.config: Section = {}

    def __enter__(self) -> Self:
        folder, login = self.folder, self._login
        folder.mkdir(exist_ok=True)
        users = None if login is None else {login.user: login.password}
        made = keys.init(folder / "station", STATION, "禅城派出所")
        if not self._addresses:
            self.broker = self._stack.enter_context(Broker(folder, users=users))
            self._addresses = [(self.broker.host, self.broker.port)]
        self.config = gate_config(folder, self._addresses, made.trusted_keys, **self._sections)
        self.write_config()
        protocol = str(self.config["link"]["protocol"])
        recorder = Recorder(*self._addresses[0], five=self._five, login=login)
        self.recorder = self._stack.enter_context(recorder)
        brokers = ",".join(f"{host}:{port}" for host, port in self._addresses)
        serve = ["station", "serve", "--dir", str(made.folder), "--broker", brokers]
        if login is not None:
            password = folder / "station-password"
            password.write_text(login.password, encoding="utf-8")
            serve += ["--user", login.user, "--password-file", str(password)]
        serve += ["--protocol", protocol, "--json"]
        self.station = self._program("station", serve)
        self.agent = self._program("agent", ["run", "--config", str(self.config_path)])
        self.vision = self._program("vision", ["vision", "--config", str(self.config_path)])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        if kind is None:
            self.recorder.assert_contract(expected=self._rubbish)

    # -- programs ---------------------------------------------------------------------------------

    def write_config(self, text: str | None = None) -> None:
        """Write the gate's file: *text*, or ``config`` as it stands."""
        made = yaml.safe_dump(self.config, allow_unicode=True, sort_keys=False)
        self.config_path.write_text(made if text is None else text, encoding="utf-8")

    def start(self, *names: str) -> Self:
        """Start programs in this order, each until it does its work."""
        waits: dict[str, Callable[[], bool]] = {
            "station": self.listening,
            "agent": lambda: self.live() and self.linked(),
            "vision": lambda: self.component("vision").get("state") == "ok",
        }
        for name in names:
            program: Program = getattr(self, name)
            program.start()
            self.until(waits[name], STARTED_S)
        return self

    def restart_agent(self) -> None:
        """SIGKILL the agent and start it again."""
        self.agent.kill()
        self.start("agent")

    def until(self, so: Callable[[], Any], within_s: float) -> Any:
        """What *so* answers once that is true; the programs' last words otherwise."""
        return until(so, within_s, self.told)

    def told(self) -> str:
        """What everybody said last."""
        programs = (self.station, self.agent, self.vision)
        now = {name: self.status().get(name) for name in ("outbox", "incidents", "issues")}
        return "\n".join([*(program.last_words for program in programs), f"-- gate: {now}"])

    # -- the gate ---------------------------------------------------------------------------------

    def live(self) -> bool:
        """True when panic is live and the agent answers."""
        return bool(self.status())

    def linked(self) -> bool:
        """True while the broker carries."""
        return bool(self.status().get("link"))

    def sim(self, verb: str, name: str) -> None:
        """Move a door or a wire."""
        self.ask("sim", verb=verb, name=name)

    def push(self, name: str, for_s: float = 0.15) -> None:
        """Press a button and let go; nothing is waited for."""
        self.ask("sim", verb="press", name=name, for_s=for_s)
        self._let_go_at[name] = time.monotonic() + for_s + LET_GO_S

    def rest(self, name: str) -> None:
        """Let the last push of a button end, and reset the button."""
        time.sleep(max(0.0, self._let_go_at.get(name, 0.0) - time.monotonic()))
        self.ask("reset", name=name)
        self.until(lambda: self.status()["inputs"][name] == "released", 5)

    def press(self, name: str = "") -> Stored:
        """Press a panic button that is at rest; its alert, once the station has stored it."""
        name = name or next(self._buttons)
        self.rest(name)
        newest = self.newest
        self.push(name)
        return self.stored(lambda alert: alert.device == name, after=newest)

    def panic_works(self) -> Stored:
        """Prove it: a press on a link that carries is stored, acked, and leaves the outbox."""
        self.until(self.linked, DELIVERED_S)
        alert = self.press()
        assert alert.kind == "panic"
        assert alert.msgtype == "Alert"
        assert not alert.replayed
        self.delivered()
        return alert

    def delivered(self, within_s: float = DELIVERED_S) -> None:
        """Wait until nothing waits for the station any more."""
        self.until(lambda: self.status().get("outbox", {}).get("pending") == 0, within_s)

    def issue(self, code: str, within_s: float = ISSUE_S) -> dict[str, Any]:
        """The issue of that code, once a heartbeat carries it."""
        found: dict[str, Any] = self.until(lambda: self._issues().get(code), within_s)
        return found

    def issue_gone(self, code: str, within_s: float = ISSUE_S) -> None:
        """Wait for a heartbeat without that issue."""
        self.until(lambda: self.beat() and code not in self._issues(), within_s)

    def beat(self) -> dict[str, Any]:
        """The newest heartbeat; empty before the first."""
        beats = self.recorder.on("/hb")
        return json.loads(beats[-1].payload) if beats else {}

    def _issues(self) -> dict[str, dict[str, Any]]:
        return {issue["code"]: issue for issue in self.beat().get("issues", ())}

    # -- the station ------------------------------------------------------------------------------

    def listening(self) -> bool:
        """True when the station's newest word is that it listens."""
        words = self.recorder.on("host/state")
        return bool(words) and bool(json.loads(words[-1].payload)["online"])

    def alerts(self, kind: str | None = None, *, after: int = 0) -> list[Stored]:
        """What the station stored behind number *after*, in the order of first receipt."""
        found = [Stored.of(row) for row in self.rows("messages", f"channel='alert' AND n>{after}")]
        return [alert for alert in found if kind is None or alert.kind == kind]

    @property
    def newest(self) -> int:
        """The number of the newest message that the station stored."""
        return max((int(row["n"]) for row in self.rows("messages")), default=0)

    def stored(
        self, wanted: Callable[[Stored], bool], within_s: float = DELIVERED_S, *, after: int = 0
    ) -> Stored:
        """The first stored alert behind number *after* that is *wanted*."""
        found: Stored = self.until(
            lambda: next(filter(wanted, self.alerts(after=after)), None), within_s
        )
        return found

    def rows(self, table: str, where: str = "1") -> list[dict[str, Any]]:
        """Rows of the station's file."""
        path = self.folder / "station" / "station.db"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            query = f"SELECT * FROM {table} WHERE {where} ORDER BY 1"  # noqa: S608 - ours
            return [dict(row) for row in database.execute(query)]

    # -- the wire ---------------------------------------------------------------------------------

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish as somebody else would, with QoS 1; *topic* below the gate's own, or whole."""
        login, (host, port) = self._login, self._addresses[0]
        paho_publish.single(
            topic if topic.startswith("gh/") else f"{GATE}/{topic}",
            payload,
            qos=1,
            retain=retain,
            hostname=host,
            port=port,
            protocol=MQTTv5 if self._five else MQTTv311,
            auth=None if login is None else {"username": login.user, "password": login.password},
        )

    def _program(self, name: str, arguments: list[str]) -> Program:
        program = Program(gatehouse(*arguments), self.folder / f"{name}.log")
        self._stack.callback(program.kill)
        return program
