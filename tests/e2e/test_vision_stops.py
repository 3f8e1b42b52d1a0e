"""The vision program hangs, dies and comes back: panic does not notice, the station is told."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.tools.site import Site
from tests.tools.site_config import PANICS, file_camera
from tests.tools.videos import Videos, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

PRESSES = 20
LOST_S = 15.0
CALM_S = 0.2


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    videos = Videos(tmp_path_factory.getbasetemp() / "camera-videos")
    cameras = {"north": file_camera(videos.walker())}
    with Site(tmp_path_factory.mktemp("stops") / "site", cameras=cameras) as made:
        made.start("station", "agent", "vision")
        yield made


@pytest.fixture
def site(running: Site) -> Site:
    """The site with its camera well."""
    running.until(lambda: running.component("camera.north").get("state") == "ok", 15)
    running.until(lambda: running.component("camera.north").get("fps", 0) > 5, 15)
    return running


def slowest_but_one(site: Site) -> float:
    """Of 20 presses, from the button's edge to the station's receipt: the 95th percentile, s."""
    waits = sorted(site.press(PANICS[n % len(PANICS)]).latency_s for n in range(PRESSES))
    return waits[-2]


def camera_alerts(site: Site, after: int) -> list[str]:
    """What was said of the camera behind number *after*."""
    return [found.msgtype for found in site.alerts("camera.lost", after=after)]


def captures_of(site: Site) -> list[psutil.Process]:
    """The capture processes of the vision program."""
    return psutil.Process(site.vision.pid).children(recursive=True)


def test_stopped_then_continued(site: Site) -> None:
    """SIGSTOP: latency as before, camera.lost within 15 s; SIGCONT: the incident is cancelled."""
    known = site.newest
    before_s = slowest_but_one(site)
    os.kill(site.vision.pid, signal.SIGSTOP)
    stopped_s = time.monotonic()
    try:
        during_s = slowest_but_one(site)
        lost = site.stored(lambda found: found.kind == "camera.lost", LOST_S, after=known)
        noticed_s = time.monotonic() - stopped_s
    finally:
        os.kill(site.vision.pid, signal.SIGCONT)
    assert during_s <= max(2 * before_s, CALM_S), (before_s, during_s)
    assert noticed_s <= LOST_S
    assert lost.body["data"]["details"]["reason"] == "the vision program does not answer"
    over = site.stored(lambda found: found.msgtype == "Cancel", after=known)
    assert (over.kind, over.incident) == ("camera.lost", lost.incident)
    assert camera_alerts(site, known) == ["Alert", "Cancel"]
    site.panic_works()


def test_killed_and_started_again(site: Site) -> None:
    """SIGKILL: no capture is left behind, the alert comes, the next vision program ends it."""
    known = site.newest
    captures = captures_of(site)
    assert captures
    site.vision.kill()
    site.panic_works()
    site.until(lambda: not any(psutil.pid_exists(child.pid) for child in captures), 5)
    lost = site.stored(lambda found: found.kind == "camera.lost", LOST_S, after=known)
    site.until(lambda: site.beat()["components"]["vision"]["state"] == "down", 5)
    site.start("vision")
    over = site.stored(lambda found: found.msgtype == "Cancel", after=known)
    assert over.incident == lost.incident
    site.panic_works()
    assert camera_alerts(site, known) == ["Alert", "Cancel"]


def test_killed_and_back_at_once_is_no_alarm(site: Site) -> None:
    """As its unit restarts it: two seconds without vision are not a lost camera."""
    known = site.newest
    site.vision.kill()
    site.start("vision")
    site.until(lambda: site.component("camera.north").get("fps", 0) > 5, 15)
    site.panic_works()
    assert camera_alerts(site, known) == []
    births = [json.loads(message.payload) for message in site.recorder.on("gate-1/meta")]
    assert {camera["name"] for camera in births[-1]["cameras"]} == {"north"}


def test_the_agent_restarts_under_a_running_vision_program(site: Site) -> None:
    """Vision finds the new agent by itself and says again how its cameras do."""
    known = site.newest
    site.restart_agent()
    site.until(lambda: site.component("camera.north").get("state") == "ok", 15)
    assert "the core is gone" in site.vision.log
    site.panic_works()
    assert camera_alerts(site, known) == []
