"""SIGKILL between a press and the station's ack: the alert arrives once, under the number it had.

Here: any moment after the press, with and without a broker; a broker that dies too; a kill in the
middle of sending what waited. That a station which never heard of the press gets it from the
agent's next life is shown in ``tests/e2e/test_agent_alarms.py``.
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.site import Site
from tests.tools.site_config import PANICS
from tests.tools.stored import Stored

KILLS = 8
SOON_S = 0.05
SEED = 20261121
PUBACK = "Sending PUBACK to cancheng.liya-garden.gate-1"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site") as made:
        yield made


def moments() -> list[float]:
    """When to kill, seconds after the press was answered: at once, then anywhere in 50 ms."""
    anywhere = random.Random(SEED)  # noqa: S311 - repeatable
    return [0.0, *(anywhere.uniform(0, SOON_S) for _ in range(KILLS - 1))]


def press_and_kill(site: Site, button: str, after_s: float) -> None:
    """Press, and kill the agent that long after it has answered for the press."""
    site.push(button)
    time.sleep(after_s)  # not a wait for something: the moment of the fault
    site.agent.kill()
    site.agent.start()
    site.until(site.live, 20)


def arrived_once(site: Site, buttons: tuple[str, ...]) -> list[Stored]:
    """Every press, once: an alert of its own incident, numbered in the order of the presses."""
    site.delivered(60.0)
    alerts = site.alerts("panic")
    by_number = sorted(alerts, key=lambda alert: alert.seq)
    assert [(alert.device, alert.msgtype) for alert in by_number] == [(b, "Alert") for b in buttons]
    assert [alert.seq for alert in by_number] == list(range(1, len(buttons) + 1))
    assert len({alert.incident for alert in alerts}) == len(buttons)
    on_wire = [json.loads(message.payload)["id"] for message in site.recorder.on("/alert")]
    assert set(on_wire) == {alert.id for alert in alerts}
    return alerts


def a_following_press_works(site: Site, after: int) -> None:
    """A press on a gate that rests, numbered behind all that was before."""
    assert site.panic_works().seq == after + 1


def test_at_any_moment_after_the_press(site: Site) -> None:
    site.start("station", "agent")
    for button, after_s in zip(PANICS, moments(), strict=False):
        press_and_kill(site, button, after_s)
        site.until(site.linked, 20)
    arrived_once(site, PANICS[:KILLS])
    a_following_press_works(site, KILLS)


def test_at_any_moment_after_the_press_without_a_broker(site: Site) -> None:
    """Nothing but the agent's disk knows of any of them; they come in their order."""
    site.start("station", "agent")
    site.broker.stop()
    site.until(lambda: not site.linked(), 20)
    for button, after_s in zip(PANICS, moments(), strict=False):
        press_and_kill(site, button, after_s)
    assert site.alerts() == []
    site.broker.start()
    alerts = arrived_once(site, PANICS[:KILLS])
    assert [(alert.seq, alert.replayed) for alert in alerts] == [
        (number, True) for number in range(1, KILLS + 1)
    ]
    site.until(site.listening, 20)
    a_following_press_works(site, KILLS)


def test_together_with_a_broker_that_had_acknowledged_it(site: Site) -> None:
    """The broker's PUBACK is worth nothing; the station stands still and has stored nothing."""
    buttons = PANICS[:3]
    site.start("station", "agent")
    site.station.send(signal.SIGSTOP)
    said = site.broker.log.count(PUBACK)
    for button in buttons:
        site.push(button)
    site.until(lambda: site.broker.log.count(PUBACK) >= said + len(buttons), 10)
    site.recorder.wait_for(lambda seen: sum(m.topic.endswith("/alert") for m in seen) >= 3)
    assert site.status()["outbox"]["pending"] >= len(buttons)
    site.agent.kill()
    site.broker.kill()
    assert site.alerts() == []
    site.broker.start()
    site.station.send(signal.SIGCONT)
    site.agent.start()
    alerts = arrived_once(site, buttons)
    assert [alert.seq for alert in alerts] == [1, 2, 3]
    a_following_press_works(site, len(buttons))


def test_again_while_what_waited_is_sent(site: Site) -> None:
    """Killed as the first of twelve is on its way again, with acks on their way back."""
    site.start("agent")
    for button in PANICS:
        site.push(button)
    site.agent.kill()
    site.start("station")
    known = len(site.recorder.on("/alert"))
    site.agent.start()
    site.recorder.wait_for(lambda seen: sum(m.topic.endswith("/alert") for m in seen) > known)
    site.agent.kill()
    site.start("agent")
    alerts = arrived_once(site, PANICS)
    assert [alert.seq for alert in alerts] == list(range(1, len(PANICS) + 1))
    a_following_press_works(site, len(PANICS))
