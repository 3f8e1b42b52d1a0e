"""What the parts say about themselves, as the heartbeat and the rules see it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.events import (
    CameraChanged,
    CameraState,
    ComponentState,
    Event,
    HostChanged,
    LinkChanged,
    StorageChanged,
)
from agent.core.health import HealthBoard
from agent.core.ids import CameraName
from agent.link.session import LinkFault
from agent.pipeline.observer import Observer
from agent.pipeline.vision_watch import NO_ANSWER
from rules.engine import RuleFailed
from tests.support.beats import beat, hello
from tests.support.samples import at

OK, DEGRADED, DOWN = ComponentState.OK, ComponentState.DEGRADED, ComponentState.DOWN


class Bench:
    """An observer with its board and the events it put."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.health = HealthBoard()
        self.events: list[Event] = []
        self.observer = Observer(self.health, clock)
        self.observer.put = self.events.append

    def state(self, name: str) -> tuple[ComponentState, str]:
        """How a part does, and why."""
        part = self.health.components[name]
        return part.state, part.reason

    @property
    def issues(self) -> list[tuple[str, str]]:
        """Standing issues: code and component."""
        return [(issue.code, issue.component) for issue in self.health.issues]


@pytest.fixture
def bench(clock: ManualClock) -> Bench:
    return Bench(clock)


def test_a_failing_disk_is_noted_is_an_issue_and_an_event(bench: Bench, clock: ManualClock) -> None:
    bench.observer.storage(False, "disk full")
    assert bench.state("outbox") == (DEGRADED, "disk full")
    assert bench.issues == [("storage", "outbox")]
    bench.observer.storage(True, "")
    assert bench.state("outbox") == (OK, "")
    assert bench.issues == []
    assert bench.events == [
        StorageChanged(at(clock), ok=False, reason="disk full"),
        StorageChanged(at(clock), ok=True, reason=""),
    ]


def test_the_link_is_noted_and_told(bench: Bench, clock: ManualClock) -> None:
    bench.observer.link_down(LinkFault.UNREACHABLE, "no route")
    assert bench.state("link") == (DOWN, "no route")
    assert bench.issues == []
    bench.observer.link_up("station:8883, MQTT 5")
    assert bench.state("link") == (OK, "")
    assert bench.events == [
        LinkChanged(at(clock), up=False, reason="no route"),
        LinkChanged(at(clock), up=True, reason="station:8883, MQTT 5"),
    ]


@pytest.mark.parametrize("fault", [LinkFault.LOGIN, LinkFault.TLS])
def test_what_a_person_has_to_put_right_is_an_issue_until_the_link_is_up(
    bench: Bench, fault: LinkFault
) -> None:
    bench.observer.link_down(fault, "refused")
    assert bench.issues == [(fault.value, "link")]
    bench.observer.link_up("b")
    assert bench.issues == []


def test_a_second_agent_with_our_identity_stays_an_issue(bench: Bench) -> None:
    bench.observer.link_down(LinkFault.TAKEN_OVER, "session taken over")
    bench.observer.link_up("b")
    assert bench.issues == [("taken-over", "link")]


@pytest.mark.parametrize(
    ("online", "state"), [(True, (OK, "")), (False, (DEGRADED, "station not listening"))]
)
def test_a_station_that_does_not_listen_is_shown(
    bench: Bench, clock: ManualClock, online: bool, state: tuple[ComponentState, str]
) -> None:
    event = HostChanged(at(clock), online)
    bench.observer.station(event)
    assert bench.state("station") == state
    assert bench.events == [event]


def test_vision_that_starts_again_and_again_is_an_issue(bench: Bench) -> None:
    """Each life may show a picture, so that no camera is ever lost."""
    for _ in range(3):
        bench.observer.vision_up(hello())
        bench.clock.advance(100)
    bench.observer.vision_figures(beat(north=CameraState.OK))
    assert bench.issues == []
    bench.observer.vision_up(hello())
    assert bench.issues == [("vision-restarts", "vision")]
    bench.clock.advance(299)
    bench.observer.vision_figures(beat(north=CameraState.OK))
    assert bench.issues == [("vision-restarts", "vision")]
    bench.clock.advance(2)
    bench.observer.vision_figures(beat(north=CameraState.OK))
    assert bench.issues == []


def test_a_station_that_was_not_heard_is_shown_with_the_reason(
    bench: Bench, clock: ManualClock
) -> None:
    bench.observer.station(HostChanged(at(clock), online=False, reason="not heard for too long"))
    assert bench.state("station") == (DEGRADED, "station not listening: not heard for too long")


def test_vision_is_noted_when_it_comes_and_goes(bench: Bench) -> None:
    bench.observer.vision_up(hello())
    assert bench.health.components["vision"].figures == {"model_id": "dlib", "review_only": True}
    bench.observer.vision_gone()
    assert bench.state("vision") == (DOWN, "not connected")


def test_faces_that_should_work_and_do_not_are_an_issue_until_they_do(bench: Bench) -> None:
    bench.observer.vision_up(hello(None, "the pack is damaged"))
    assert bench.issues == [("no-face-work", "vision")]
    bench.observer.vision_up(hello())
    assert bench.issues == []


def test_figures_of_cameras_stand_on_the_board(bench: Bench) -> None:
    bench.observer.vision_figures(beat(north=CameraState.OK, south=CameraState.DARK, east=None))
    assert bench.health.components["camera.north"].as_json() == {
        "state": "ok",
        "fps": 4.9,
        "looked_fps": 4.9,
        "picture": 1.0,
        "identify": "unknown",
    }
    assert bench.state("camera.south") == (DEGRADED, "dark: why")
    assert bench.state("camera.east") == (DEGRADED, "starting: why")
    assert bench.health.components["vision"].figures["leads"] == 1


def test_a_camera_of_a_silent_program_is_noted_and_every_change_is_told(
    bench: Bench, clock: ManualClock
) -> None:
    north = CameraName("north")
    silent = CameraChanged(at(clock), north, CameraState.LOST, NO_ANSWER)
    dark = CameraChanged(at(clock), north, CameraState.DARK, "mean luma 3")
    bench.observer.camera(dark)
    assert "camera.north" not in bench.health.components
    bench.observer.camera(silent)
    assert bench.state("vision") == (DOWN, NO_ANSWER)
    assert bench.state("camera.north") == (DEGRADED, f"lost: {NO_ANSWER}")
    assert bench.events == [dark, silent]


@pytest.mark.parametrize(
    ("off", "state", "words"), [(False, DEGRADED, "failed: "), (True, DOWN, "is switched off: ")]
)
def test_a_rule_that_fails_is_noted_with_what_became_of_it(
    bench: Bench, clock: ManualClock, off: bool, state: ComponentState, words: str
) -> None:
    bench.observer.rule_failed(RuleFailed("tamper", "KeyError: 'x'", off), at(clock))
    assert bench.state("rule.tamper") == (state, "KeyError: 'x'")
    (issue,) = bench.health.issues
    assert issue.component == "tamper"
    assert f"{words}KeyError: 'x'" in issue.text


def test_a_self_test_tells_parts_and_issues(bench: Bench) -> None:
    bench.observer.link_up("b")
    assert bench.observer.selftest() == {
        "healthy": True,
        "components": {"link": "ok"},
        "issues": [],
    }
    bench.observer.storage(False, "full")
    told = bench.observer.selftest()
    assert told["healthy"] is False
    assert isinstance(told["issues"], list)
    assert len(told["issues"]) == 1


def test_a_topic_that_the_broker_refuses_is_an_issue_until_it_is_heard(bench: Bench) -> None:
    call, own = "gh/v1/cancheng/area/north/call", "gh/v1/cancheng/site/node/ack"
    bench.observer.subscribed(call, "Not authorized")
    bench.observer.subscribed(own, "Unspecified error")
    assert bench.issues == [("not-heard", "area/north/call"), ("not-heard", "site/node/ack")]
    texts = [issue.text for issue in bench.health.issues]
    assert "does not let this gate hear the calls of area 'north'" in texts[0]
    assert "gatehouse station areas SITE/NODE --area north" in texts[0]
    assert "(Not authorized)" in texts[0]
    assert "renew the broker's rights for this gate" in texts[1]
    bench.observer.subscribed(call, "")
    assert bench.issues == [("not-heard", "site/node/ack")]


def test_entries_of_another_model_are_an_issue_until_none_is_left(bench: Bench) -> None:
    bench.observer.stranded(3, "mobilefacenet@85cdeb73")
    assert bench.issues == [("watchlist-resend", "watchlist")]
    assert bench.health.issues[0].text.startswith("3 entries are not searched for")
    assert "mobilefacenet@85cdeb73" in bench.health.issues[0].text
    bench.observer.stranded(0, "mobilefacenet@85cdeb73")
    assert bench.issues == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"concerns": ["blurred", "moved"]}, "blurred: clean the lens"),
        ({"identify": "poor", "face_px": 31.4}, "they come 31 px wide"),
    ],
)
def test_a_picture_that_is_no_good_for_faces_is_an_issue_until_it_is(
    bench: Bench, changed: dict[str, Any], said: str
) -> None:
    good = beat(north=CameraState.OK)
    bad = replace(good, cameras={"north": replace(good.cameras["north"], **changed)})
    bench.observer.vision_figures(bad)
    assert bench.issues == [("camera-picture", "north")]
    assert said in bench.health.issues[0].text
    bench.observer.vision_figures(good)
    assert bench.issues == []


def test_a_camera_that_sees_nothing_is_told_once(bench: Bench) -> None:
    dark = beat(north=CameraState.DARK)
    dim = replace(dark, cameras={"north": replace(dark.cameras["north"], concerns=["dim"])})
    bench.observer.vision_figures(dim)
    assert bench.issues == []
