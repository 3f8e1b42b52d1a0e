"""Nothing listens on a network by default, as ``ss`` shows it; the station where it is asked to."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.tools.program import Program
from tests.tools.site import Site
from tests.tools.site_config import file_camera
from tests.tools.trusted import TrustedStation
from tests.tools.videos import Videos, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    videos = Videos(tmp_path_factory.mktemp("videos"))
    cameras = {"north": file_camera(videos.walker())}
    with Site(tmp_path_factory.mktemp("listening") / "site", cameras=cameras) as made:
        made.start("station", "agent", "vision")
        yield made


def family(program: Program) -> set[int]:
    """A program and everything that it started."""
    return {program.pid, *(p.pid for p in psutil.Process(program.pid).children(recursive=True))}


def heard_by(pids: set[int]) -> list[str]:
    """TCP and UDP addresses on which these processes take what anybody sends."""
    shown = subprocess.run(["ss", "-Hlntup"], capture_output=True, text=True, check=True)
    return [
        line.split()[4]
        for line in shown.stdout.splitlines()
        if any(f"pid={pid}," in line for pid in pids)
    ]


def sockets_of(pids: set[int]) -> list[str]:
    """The same from /proc: TCP that listens, UDP and raw sockets that are bound."""
    return [
        f"{pid} {each.laddr}"
        for pid in pids
        for each in psutil.Process(pid).net_connections(kind="inet")
        if each.status == psutil.CONN_LISTEN or not each.raddr
    ]


@pytest.mark.parametrize("name", ["agent", "vision", "station"])
def test_no_program_listens_by_default(site: Site, name: str) -> None:
    pids = family(getattr(site, name))
    assert heard_by(pids) == []
    assert sockets_of(pids) == []


def test_the_check_sees_a_program_that_listens(site: Site) -> None:
    assert heard_by({site.broker.pid}) == [f"{site.broker.host}:{site.broker.port}"]
    assert sockets_of({site.broker.pid})


def test_vision_and_its_cameras_were_among_them(site: Site) -> None:
    assert len(family(site.vision)) > 1


def test_a_station_with_its_own_broker_listens_where_its_plan_says(tmp_path: Path) -> None:
    with TrustedStation(tmp_path) as station:
        station.start()
        host = station.enrolment.host
        assert heard_by({station.program.pid}) == [f"{host}:{station.enrol_port}"]
        assert set(heard_by({station.broker_pid()})) == {f"{host}:{station.port}"}
