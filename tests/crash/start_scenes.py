"""What becomes of a core that hangs, or dies at every start, under a supervisor like systemd.

Here: the scenes and what they measured. What must have come of them is asserted in
``test_faults_hang`` and ``test_faults_start``; they play beside other tests (``conftest``).
"""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.tools.checker import Ledger
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import Site
from tests.tools.stored import Stored
from tests.tools.supervisor import Supervisor

UNIT = "gatehouse.service"
HANG_SEEN_S = 25.0
LIVE_S = 60.0
RESTART_S = 0.1
STAYS_S = 3.0


@dataclass(frozen=True, slots=True)
class Hang:
    """Seconds from the hang to the kill, and from the next start to panic live."""

    silent: bool
    killed_s: float
    live_s: float
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Crashes:
    """How many starts died before one lived, what that one said of itself, and what it did."""

    died: int
    issue: str
    issues: set[str]
    beat: str
    alert: Stored
    siren: bool
    released: bool
    components: set[str]
    after_reset: int
    healed: set[str]


@dataclass(frozen=True, slots=True)
class Left:
    """Whether safe mode stayed while an alarm was open, and came back after another crash."""

    stayed: bool
    back: bool


def planted(site: Site, fault: str) -> list[str]:
    """The agent with a fault in it."""
    return [sys.executable, "-P", "-m", "tests.tools.planted", fault, str(site.config_path)]


def hang(folder: Path, how: str) -> Hang:
    """SIGSTOP stops the core whole; a rule that blocks stops its loop alone."""
    with Site(folder, log={"level": "debug"}) as site:
        site.start("station")
        site.agent.command = planted(site, "blocking-rule")
        with Supervisor(site.agent, UNIT, folder / "notify") as service:
            site.until(lambda: service.ready(1) and site.live() and site.linked(), LIVE_S)
            site.panic_works()
            hung_s = time.monotonic()
            if how == "stopped":
                site.agent.send(signal.SIGSTOP)
            else:
                site.push("medical-1", 3600)
            site.until(lambda: service.ready(2), HANG_SEEN_S)
            site.until(lambda: site.live() and site.linked(), LIVE_S)
            site.panic_works()
            ledger = Ledger.of(site)
            first, second = service.lives
        killed_s = (first.ended_s or 0.0) - hung_s
        live_s = (second.ready_s or 0.0) - second.began_s
    return Hang(first.silent, killed_s, live_s, ledger)


def crashes(folder: Path, fault: str) -> Crashes:
    """The fault kills every start, until one leaves it out; then it is put right by a person."""
    with Site(folder) as site:
        site.start("station")
        ran_well(site)
        site.agent.command = planted(site, fault)
        with Supervisor(site.agent, UNIT, folder / "notify") as service:
            service.restart_s = RESTART_S
            site.until(lambda: site.live() and site.linked(), LIVE_S)
            died = len(service.lives) - 1
            issue = str(site.issue("safe-mode")["text"])
            issues = {str(found["code"]) for found in site.status()["issues"]}
            alert = site.press("panic-1")
            site.delivered()
            siren = bool(site.status()["outputs"]["siren-1"])
            site.push("exit-1")
            released = bool(site.until(lambda: site.status()["outputs"]["relay-1"], 5))
            beat = str(site.beat()["components"]["core"]["state"])
            components = set(site.status()["components"])
            site.agent.command = gatehouse("run", "--config", site.config_path)
            said = run_to_end(
                gatehouse("reset", "--config", site.config_path, "--safe-mode", "--json")
            )
            site.until(lambda: len(service.lives) == died + 2 and site.live(), LIVE_S)
            site.issue_gone("safe-mode")
            site.panic_works()
            healed = set(site.status()["components"])
    return Crashes(
        died, issue, issues, beat, alert, siren, released, components, said.returncode, healed
    )  # fmt: skip


def ran_well(site: Site) -> None:
    """An earlier life, long enough for its configuration to have proved itself."""
    node = site.config["node"]
    node["steady_s"] = 1.0
    site.write_config()
    site.start("agent")
    site.until((site.folder / "gate.yaml.steady").exists, LIVE_S)
    site.agent.stop()
    (site.folder / "data" / "commands.json").write_bytes(b"{}")  # nothing was commanded so far
    del node["steady_s"]
    site.config["console"] = {"language": "en"}  # a newer file, which is what crashes
    site.write_config()


def leaves(folder: Path) -> Left:
    """Safe mode ends by itself, but not while an alarm is open; one crash, and it is back."""
    with Site(folder, node={"steady_s": 1.0}) as site:
        site.start("station")
        site.agent.command = planted(site, "odd-file")
        with Supervisor(site.agent, UNIT, folder / "notify") as service:
            service.restart_s = RESTART_S
            site.until(lambda: site.live() and site.linked(), LIVE_S)
            site.press("panic-1")
            safe = len(service.lives)
            time.sleep(STAYS_S)
            stayed = len(service.lives) == safe
            site.ask("reset")
            site.until(lambda: len(service.lives) == safe + 2 and site.live(), LIVE_S)
            back = bool(site.issue("safe-mode"))
            site.agent.command = gatehouse("run", "--config", site.config_path)
            site.until(lambda: len(service.lives) == safe + 3 and site.live(), LIVE_S)
            site.until(lambda: "core" not in site.status()["components"], LIVE_S)
            site.panic_works()
    return Left(stayed, back)
