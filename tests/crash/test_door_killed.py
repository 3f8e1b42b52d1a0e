"""A real agent, killed at random moments of a real door command over a real broker."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.tools.checker import Ledger
from tests.tools.orders import Ordered
from tests.tools.program import until
from tests.tools.site import Site

PULSE_S, RELEASE_S = 1.0, 2.0
# When the agent is killed, seconds after the command was published; the first one never read it.
MOMENTS_S = ((0, 0), (0, 0.01), (0, 0.1), (0, PULSE_S), (PULSE_S, RELEASE_S), (2.3, 2.8))
OUTPUTS = {"relay-1": {"type": "gate", "pin": 21, "name": "Door relay", "pulse_s": PULSE_S}}
DOOR = {"contact": "door-1", "relay": "relay-1", "release_s": RELEASE_S}
ACCESS = {"doors": {"pedestrian": DOOR}}
SET_SAFE = "guard: relay-1 (pin 21) set safe: the agent is gone"


def openings(site: Site, cmd_id: str) -> int:
    """How often the relay was driven for one command, over all lives, as far as it was said."""
    return site.agent.log.count(f"door pedestrian opened by command {cmd_id}")


def cut_short(site: Site) -> int:
    """How many pulses the guard ended: it hears of each before the relay moves, and says so."""
    return site.agent.log.count(SET_SAFE)


def test_a_door_is_opened_once_or_not_and_the_station_is_answered(tmp_path: Path) -> None:
    assert {"unknown", "done"} <= killed(tmp_path, MOMENTS_S, seed=20261121)


@pytest.mark.soak
def test_a_hundred_kills(tmp_path: Path) -> None:
    moments_s = (MOMENTS_S[0], *(((0.0, 3.0),) * 99))
    assert {"unknown", "done"} <= killed(tmp_path, moments_s, seed=7)


def killed(folder: Path, moments_s: Sequence[tuple[float, float]], *, seed: int) -> set[object]:
    """One command for each moment, and an agent killed then; the outcomes that were told."""
    chance = random.Random(seed)  # noqa: S311 - seeded
    outcomes = set()
    debug = {"level": "debug"}
    with Site(folder / "site", outputs=OUTPUTS, access=ACCESS, log=debug) as site:
        site.start("station", "agent")
        for number, between_s in enumerate(moments_s, start=1):
            beats = len(site.recorder.on("/hb"))
            site.until(lambda: len(site.recorder.on("/hb")) > beats, 10)  # noqa: B023
            if number == 1:
                site.agent.send(signal.SIGSTOP)
            sent = Ordered(site, "door.open", "--door", "pedestrian")
            site.until(lambda: len(site.recorder.on("cmd/door.open")) == number, 20)  # noqa: B023
            moment_s = time.monotonic() + chance.uniform(*between_s)
            until(lambda: time.monotonic() >= moment_s, 10)  # noqa: B023
            before = cut_short(site)
            site.agent.kill()
            site.start("agent")
            _, answer = sent.answer()
            judge(site, answer, number, cut_short(site) - before)
            outcomes.add(answer["outcome"])
        site.panic_works()
        Ledger.of(site).assert_sound(kills=len(moments_s))
    return outcomes


def judge(site: Site, answer: dict[str, object], number: int, ended_by_guard: int) -> None:
    """At most one opening, and the answer says what is known.

    A pulse that died before it could be written down is known from the guard.
    """
    message = site.recorder.on("cmd/door.open")[number - 1]
    cmd_id = json.loads(message.payload)["cmd_id"]
    opened = openings(site, cmd_id)
    assert answer.get("cmd_id") == cmd_id, answer
    assert opened <= 1
    assert ended_by_guard <= 1
    match answer["outcome"]:
        case "done":
            assert opened == 1
        case "unknown":
            proof = answer["proof"]
            assert isinstance(proof, dict)
            assert proof["contact"] == "closed"
        case "refused":
            assert (opened, ended_by_guard) == (0, 0)
        case outcome:
            pytest.fail(f"ended as {outcome}")


def test_the_relay_of_a_killed_agent_is_safe_before_it_lives_again(tmp_path: Path) -> None:
    with Site(tmp_path / "site", outputs=OUTPUTS, access=ACCESS) as site:
        site.start("station", "agent")
        site.until(site.beat, 10)
        sent = Ordered(site, "door.open", "--door", "pedestrian", "--wait", "15")
        site.until(lambda: site.status()["outputs"]["relay-1"], 15)
        site.agent.kill()
        site.until(lambda: SET_SAFE in site.agent.log, 5)
        site.start("agent")
        code, answer = sent.answer()
        assert (code, answer["outcome"]) == (1, "unknown")
        assert answer["proof"]["contact"] == "closed"
        assert site.agent.log.count("door pedestrian opened") == 1
