"""What takes a minute of waiting, played at the same time: the broker away, two gates in one name.

Each scene has a site of its own; a test looks at what came of its scene.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from agent.link.link import STEADY_S
from tests.tools.program import Program, gatehouse, run_to_end
from tests.tools.site import Site
from tests.tools.site_config import overlaid
from tests.tools.stored import Stored

AWAY_S = 60.0
BACK_S = 90.0
TAKEN_OVER_S = 30.0
SCENE_S = 240.0
TWIN_CODES = frozenset({"taken-over", "closed-again"})
CLIENT = "as cancheng.liya-garden.gate-1 "


@dataclass(frozen=True, slots=True)
class Away:
    """The broker was away for a minute: what the station stored, and the site's own view."""

    before: Stored
    stored: list[Stored]
    sirens: list[bool]
    pending: int
    reason: str


@dataclass(frozen=True, slots=True)
class Twins:
    """Two gates had one name: how often they connected, and what each noticed."""

    connects: int
    flagged: bool
    issues: dict[str, str]
    delivered: set[str]


def broker_away(folder: Path) -> Away:
    """One press as the broker goes, one in the middle."""
    with Site(folder) as site:
        site.start("station", "agent")
        before = site.panic_works()
        site.broker.stop()
        gone_s = time.monotonic()
        sirens = []
        for name, at_s in (("panic-2", 0.0), ("panic-3", AWAY_S / 2), ("", AWAY_S)):
            site.until(lambda at_s=at_s: time.monotonic() >= gone_s + at_s, AWAY_S)  # type: ignore[misc]
            if name:
                site.ask("reset")
                site.push(name)
                sirens.append(site.until(lambda: site.status()["outputs"]["siren-1"], 5))
        pending, reason = site.status()["outbox"]["pending"], site.component("link")["reason"]
        site.broker.start()
        site.until(site.linked, BACK_S)
        site.delivered(60.0)
        site.panic_works()
        stored = site.alerts()
    return Away(before, stored, sirens, pending, reason)


def broker_restarts(folder: Path) -> float:
    """Under a steady gate; a press while the gate stands back: seconds from it to the station."""
    with Site(folder) as site:
        site.start("station", "agent")
        steady_s = time.monotonic() + STEADY_S + 2.0
        site.until(lambda: time.monotonic() >= steady_s, STEADY_S + 5.0)
        site.broker.restart()
        site.until(site.listening, 20)
        pressed_s = time.monotonic()
        site.push("panic-1")
        site.stored(lambda found: found.device == "panic-1")
        took_s = time.monotonic() - pressed_s
        site.delivered()
    return took_s


def twins(folder: Path, protocol: str) -> Twins:
    """A second gate comes with the same name, from another card."""
    with Site(folder, link={"protocol": protocol}) as site:
        site.start("station", "agent")
        first = site.panic_works()
        twin = folder / "twin"
        twin.mkdir()
        places = {"data_dir": str(twin / "data"), "run_dir": str(twin / "run")}
        config = overlaid(site.config, {"node": places})
        (twin / "gate.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        second = Program(gatehouse("run", "--config", twin / "gate.yaml"), twin / "agent.log")
        try:
            session_of_the_twin(site, second)
            site.until(lambda: sessions(site)[-1:] == [2], 20)
            site.push("panic-5")
            site.until(lambda: doubled(site), TAKEN_OVER_S + 20)
            site.until(lambda: told_of_a_twin(site), TAKEN_OVER_S + 20)
            site.stored(lambda found: found.device == "panic-5", 60.0)
            issues = {issue["code"]: issue["text"] for issue in site.status()["issues"]}
            connects = site.broker.log.count(CLIENT)
            flagged = doubled(site)
        finally:
            second.kill()
        site.delivered(60.0)
        delivered = {found.device for found in site.alerts("panic")}
        assert first.device in delivered
    return Twins(connects, flagged, issues, delivered)


def told_of_a_twin(site: Site) -> bool:
    """What the gate itself says of it."""
    return any(issue["code"] in TWIN_CODES for issue in site.status().get("issues", ()))


def session_of_the_twin(site: Site, twin: Program) -> None:
    """Start the twin as the second session of its card, as a clone that ran before."""
    twin.start()
    site.until(lambda: "panic live" in twin.log, 20)
    twin.kill()
    twin.start()


def sessions(site: Site) -> list[int]:
    """The sessions of all heartbeats, in order."""
    return [json.loads(message.payload)["session"] for message in site.recorder.on("/hb")]


def doubled(site: Site) -> bool:
    """What the station's screen says of the gate's identity."""
    folder = site.folder / "station"
    said = run_to_end(gatehouse("station", "watch", "--dir", folder, "--once", "--json"))
    (gate,) = json.loads(said.stdout)["gates"]
    return bool(gate["duplicate_identity"])


Scene = Callable[[str], object]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[object]]]:
    folder = tmp_path_factory.mktemp("minutes")
    with ThreadPoolExecutor() as pool:
        yield {
            "away": pool.submit(broker_away, folder / "away"),
            "restart": pool.submit(broker_restarts, folder / "restart"),
            "5": pool.submit(twins, folder / "five", "5"),
            "3.1.1": pool.submit(twins, folder / "three", "3.1.1"),
        }


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_two_gates_in_one_name_are_told_and_do_not_storm(
    scenes: dict[str, Future[object]], protocol: str
) -> None:
    came = scenes[protocol].result(SCENE_S)
    assert isinstance(came, Twins)
    assert came.flagged
    assert "panic-5" in came.delivered, "what was pressed while thrown out is not lost"
    assert came.connects <= 20
    (told,) = TWIN_CODES & came.issues.keys()
    assert "another agent uses the identity of this gate" in came.issues[told]


def test_the_broker_is_away_for_a_minute(scenes: dict[str, Future[object]]) -> None:
    """Both presses sound at once, wait, and arrive once, in order, marked as replayed.

    Behind each press waits the event of its reset; after a minute the gate may add that its link
    is degraded, and that nobody came in time.
    """
    came = scenes["away"].result(SCENE_S)
    assert isinstance(came, Away)
    assert came.sirens == [True, True]
    assert 4 <= came.pending <= 7
    assert not came.before.replayed
    assert "cannot be reached" in came.reason
    presses = [found for found in came.stored if found.kind == "panic"]
    told = [(found.device, found.replayed) for found in presses]
    assert told[1:3] == [("panic-2", True), ("panic-3", True)]
    assert [replayed for _, replayed in told] == [False, True, True, False]
    assert {found.kind for found in came.stored} <= {"panic", "link.degraded", "sla.breach"}
    assert sorted(found.seq for found in came.stored) == list(range(1, len(came.stored) + 1))
    assert len({found.id for found in came.stored}) == len(came.stored)


def test_a_press_ends_the_standing_back_after_a_restart(scenes: dict[str, Future[object]]) -> None:
    came = scenes["restart"].result(SCENE_S)
    assert isinstance(came, float)
    assert came < 5.0
