"""What a gate and its station do on bad networks, played out: each scene has a site of its own.

Here: the scenes and what they measured. What must have come of them is asserted in
``test_faults_link`` and ``test_faults_loss``; they play beside other tests (``conftest``).
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.tools.checker import Ledger
from tests.tools.netns import Namespace
from tests.tools.program import gatehouse, run_to_end
from tests.tools.proxy import Deaf, Proxy, Way
from tests.tools.resolver import Lie, Resolver
from tests.tools.site import Site
from tests.tools.site_config import PANICS

LOOK_S = 0.5
BACK_S = 90.0
FLAP_S = 3.0
NOBODY, OTHER, ELSEWHERE = "127.0.0.2", "127.0.0.3", "198.51.100.7"
WENT_AWAY = "the broker went away"


@dataclass(frozen=True, slots=True)
class Silence:
    """A line went dead: seconds until each end showed it, and until all was delivered again."""

    gate_s: float
    station_s: float
    healed_s: float
    told: str
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Flapping:
    """A link came and went: how often the gate connected, CPU seconds a second, the rest."""

    lasted_s: float
    connects: int
    cpu: float
    healed_s: float
    pressed: int
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Presses:
    """From the edge of the button to the station's ack at the gate, seconds each.

    ``after_reset_s``: for a press while the connection, just reset, has to be made anew.
    """

    waits_s: list[float]
    after_reset_s: float
    connects: int
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Lied:
    """A name server lied: the reasons shown, bytes that a stranger heard, and how it ended."""

    told: list[str]
    heard: int
    healed_s: float
    ledger: Ledger


@contextmanager
def behind_proxy(folder: Path, **link: Any) -> Iterator[tuple[Site, Proxy]]:
    """A site whose gate reaches its broker through a relay; *link* replaces the link's section."""
    with (
        Site(folder, log={"level": "debug"}) as site,
        Proxy(site.broker.host, site.broker.port) as proxy,
    ):
        point_at(site, proxy.port, **link)
        site.start("station", "agent")
        yield site, proxy


def point_at(site: Site, port: int, **link: Any) -> None:
    """Write the gate's file with its broker at *port*."""
    brokers = [{"host": "127.0.0.1", "port": port}]
    site.config["link"] = {"brokers": brokers, **(link or site.config["link"])}
    site.config["link"]["brokers"] = brokers
    site.write_config()


def life_at_station(site: Site) -> str:
    """What ``station watch`` says of the gate."""
    folder = site.folder / "station"
    said = run_to_end(gatehouse("station", "watch", "--dir", folder, "--once", "--json"))
    (gate,) = json.loads(said.stdout)["gates"]
    return str(gate["state"])


def blackhole(folder: Path, **link: Any) -> Silence:
    """Nothing passes any more and nobody is told; an alarm comes in the middle of it."""
    with behind_proxy(folder, **link) as (site, proxy):
        site.panic_works()
        site.until(lambda: life_at_station(site) == "online", 20)
        proxy.hold()
        dead_s = time.monotonic()
        shown: dict[str, float] = {}

        def both_shown() -> bool:
            if "gate" not in shown and not site.linked():
                shown["gate"] = time.monotonic() - dead_s
            if "station" not in shown and life_at_station(site) != "online":
                shown["station"] = time.monotonic() - dead_s
            time.sleep(LOOK_S)
            return len(shown) == 2

        site.until(both_shown, 120)
        told = site.component("link")["reason"]
        site.push("panic-9")
        site.until(lambda: site.status()["outbox"]["pending"], 5)
        proxy.release()
        healing_s = time.monotonic()
        site.delivered(BACK_S)
        healed_s = time.monotonic() - healing_s
        ledger = Ledger.of(site)
    return Silence(shown["gate"], shown["station"], healed_s, told, ledger)


def deaf_gate(folder: Path) -> Silence:
    """Half a connection: the broker hears the gate, the gate hears nothing."""
    with behind_proxy(folder, profile="normal") as (site, proxy):
        site.panic_works()
        proxy.hold(Way.DOWN)
        return _unanswered(site, proxy.release)


def deaf_broker(folder: Path) -> Silence:
    """The broker hangs: its kernel takes connections and bytes, it does not read them."""
    with Site(folder, log={"level": "debug"}) as site:
        point_at(site, site.broker.port, profile="normal")
        site.start("station", "agent")
        site.panic_works()
        process = psutil.Process(site.broker.pid)
        process.send_signal(signal.SIGSTOP)
        try:
            return _unanswered(site, process.resume)
        finally:
            process.resume()


def _unanswered(site: Site, heal: Callable[[], None]) -> Silence:
    """An alarm whose PUBACK does not come: how long until the link counts as dead."""
    site.push("panic-9")
    pressed_s = time.monotonic()
    site.until(lambda: not site.linked(), 30)
    noticed_s = time.monotonic() - pressed_s
    told = site.component("link")["reason"]
    site.push("panic-10")
    heal()
    healing_s = time.monotonic()
    site.delivered(BACK_S)
    healed_s = time.monotonic() - healing_s
    return Silence(noticed_s, 0.0, healed_s, told, Ledger.of(site))


def flapping(folder: Path, lasts_s: float) -> Flapping:
    """The link goes every three seconds, by turns with a reset and in silence."""
    with behind_proxy(folder) as (site, proxy):
        site.panic_works()
        agent = psutil.Process(site.agent.pid)
        before_s, began_s = _cpu_s(agent), time.monotonic()
        turn = pressed = 0
        while time.monotonic() < began_s + lasts_s:
            proxy.hold()
            if turn % 2:
                proxy.cut()
            time.sleep(FLAP_S)
            proxy.release()
            time.sleep(FLAP_S)
            site.ask("reset")
            site.push(PANICS[turn % len(PANICS)])
            turn, pressed = turn + 1, pressed + 1
        lasted_s = time.monotonic() - began_s
        cpu = (_cpu_s(agent) - before_s) / lasted_s
        connects = proxy.connects
        healing_s = time.monotonic()
        site.until(site.linked, BACK_S)
        site.delivered(BACK_S)
        healed_s = time.monotonic() - healing_s
        ledger = Ledger.of(site)
    return Flapping(lasted_s, connects, cpu, healed_s, pressed, ledger)


def presses(folder: Path, count: int, *, loss: float = 0.0, kbit: int | None = None) -> Presses:
    """*count* presses one after the other, on a line of the worst kind where asked."""
    with (
        Site(folder, log={"level": "debug"}) as site,
        Namespace() as line,
        Proxy(site.broker.host, site.broker.port, listener=line.listen()) as proxy,
    ):
        point_at(site, proxy.port, profile="normal")
        site.agent.command = line.command(site.agent.command)
        site.start("station", "agent")
        site.panic_works()
        if loss or kbit:
            line.impair(loss=loss, kbit=kbit)
        waits_s = [_press_to_ack(site, PANICS[n % len(PANICS)]) for n in range(count)]
        after_reset_s = _press_to_ack(site, PANICS[count % len(PANICS)], proxy.cut)
        ledger = Ledger.of(site)
        connects = proxy.connects
    return Presses(waits_s, after_reset_s, connects, ledger)


def dns_lies(folder: Path) -> Lied:
    """The broker's name is not answered, unknown, and points to three wrong places in turn."""
    with Site(folder, log={"level": "debug"}) as site, Namespace() as net:
        net.adopt(ELSEWHERE)
        broker = site.broker
        with (
            Resolver(net, folder / "resolver") as resolver,
            Proxy(broker.host, broker.port, listener=net.listen()) as proxy,
            Deaf(net.listen(OTHER, proxy.port)),
            Deaf(net.listen(ELSEWHERE, proxy.port)) as overheard,
        ):
            resolver.says = "127.0.0.1"
            point_at(site, proxy.port)
            site.config["link"]["brokers"][0]["host"] = "localhost"
            site.write_config()
            site.agent.command = resolver.command(site.agent.command)
            site.start("station", "agent")
            site.panic_works()
            told: list[str] = []
            for lie in (ELSEWHERE, Lie.NOTHING, Lie.NO_NAME, NOBODY, OTHER):
                resolver.says = lie
                proxy.cut()
                told.append(_new_reason(site, told))
                site.push(PANICS[len(told)])
            resolver.says = "127.0.0.1"
            healing_s = time.monotonic()
            site.delivered(BACK_S)
            healed_s = time.monotonic() - healing_s
            ledger = Ledger.of(site)
            heard = overheard.heard
    return Lied(told, heard, healed_s, ledger)


def _new_reason(site: Site, known: list[str]) -> str:
    reason = site.until(
        lambda: (
            site.component("link").get("reason", "went away") not in {*known, WENT_AWAY}
            and site.component("link")["reason"]
        ),
        60,
    )
    return str(reason)


def _press_to_ack(site: Site, name: str, first: Callable[[], None] = lambda: None) -> float:
    site.ask("reset", name=name)
    site.until(lambda: site.status()["inputs"][name] == "released", 5)
    site.delivered(BACK_S)
    first()
    pressed_s = time.monotonic()
    site.push(name)
    site.delivered(BACK_S)
    return time.monotonic() - pressed_s


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
