"""The programs as their units confine them: no capability, and only the system calls they may make.

strace refuses what the unit's filter refuses (``tests.tools.service``); what else systemd takes
away is not shown here.
"""

from __future__ import annotations

import grp
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.program import gatehouse, run_to_end
from tests.tools.service import Confined, NotifySocket, cannot_confine, forbidden
from tests.tools.site import Site
from tests.tools.site_config import file_camera
from tests.tools.videos import Videos, missing

pytestmark = pytest.mark.skipif(bool(cannot_confine()), reason=cannot_confine())

CORE, VISION = "gatehouse.service", "gatehouse-vision.service"
READY_S = 15.0
NOBODY = 65534


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which ``gatehouse units --install`` has put the units."""
    root = tmp_path_factory.mktemp("root")
    assert run_to_end(gatehouse("units", "--install", root)).returncode == 0
    return root / "etc" / "systemd" / "system"


def test_the_filters_refuse_what_they_should(units: Path) -> None:
    for name in (CORE, VISION):
        refused = forbidden(units / name)
        assert {"mount", "ptrace", "chown", "setuid", "reboot", "adjtimex"} <= set(refused)
        assert not {"read", "connect", "futex", "fdatasync", "memfd_create"} & set(refused)


CONNECT = """
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
    s.connect(sys.argv[1])
"""


def connects(path: Path, *groups: int) -> bool:
    """Whether somebody who is nobody but a member of *groups* can connect to *path*."""
    said = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", CONNECT, str(path)],
        user=NOBODY,
        group=NOBODY,
        extra_groups=groups,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0 or "Permission denied" in said.stderr, said.stderr
    return said.returncode == 0


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """A folder that others may pass through, as the unit's RuntimeDirectoryMode has it."""
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-run-"))
    folder.chmod(0o751)
    yield folder
    shutil.rmtree(folder)


def test_the_core_does_its_work_under_its_units_filter(
    tmp_path: Path, units: Path, run_dir: Path
) -> None:
    """Panic works, and only the vision program's group gets to the vision socket."""
    gid = grp.getgrnam("video").gr_gid
    node = {"run_dir": str(run_dir), "vision_group": "video"}
    cameras = {"north": file_camera(tmp_path / "none.mp4")}
    with (
        Site(tmp_path / "site", node=node, cameras=cameras) as site,
        Confined(site.agent, units / CORE, site.folder / "trace", str(gid)) as core,
    ):
        site.start("station", "agent")
        site.panic_works()
        assert "vision-socket" not in {issue["code"] for issue in site.status()["issues"]}
        sockets = [run_dir / name for name in ("vision.sock", "control.sock")]
        assert [connects(path, gid) for path in sockets] == [True, False]
        assert [connects(path) for path in sockets] == [False, False]
        assert core.stop() == 0
        assert core.traced("EPERM", "INJECTED"), "something was refused"
        assert core.traced("PROT_WRITE", "PROT_EXEC") == core.traced("mprotect", "PROT_EXEC") == []


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_vision_does_its_work_under_its_units_filter(
    tmp_path: Path, units: Path, packs_dir: Path
) -> None:
    """Pictures and faces; with a file for a camera it has nothing to seek on any network.

    No library of it may report to its maker either, or keep something at home for that.
    """
    home = tmp_path / "home"
    home.mkdir()
    cameras = {"north": file_camera(Videos(tmp_path).walker())}
    faces, models = {"enabled": True}, {"dir": str(packs_dir)}
    with (
        Site(tmp_path / "site", cameras=cameras, faces=faces, models=models) as site,
        NotifySocket(tmp_path / "notify") as heard,
        Confined(site.vision, units / VISION, site.folder / "trace") as vision,
    ):
        site.vision.env = {name: str(home) for name in ("HOME", "TMPDIR")}
        site.vision.env["NOTIFY_SOCKET"] = str(heard.path)
        site.start("agent", "vision")
        words = [*heard.until("READY=1", READY_S), *heard.until("WATCHDOG=1", READY_S)]
        assert len({word.pid for word in words}) == 1
        site.until(lambda: site.component("camera.north").get("fps", 0) > 5, 30)
        assert "no face work" not in site.vision.log
        assert resource.prlimit(vision.main.pid, resource.RLIMIT_CORE) == (0, 0)
        assert vision.stop() == 0
        assert vision.traced("EPERM", "INJECTED"), "something was refused"
        assert vision.traced("PROT_WRITE", "PROT_EXEC") == []
        assert vision.traced("mprotect", "PROT_EXEC") == []
        assert vision.traced("socket(AF_UNIX"), "sockets are seen"
        assert vision.traced("socket(AF_INET") == []
        assert list(home.iterdir()) == []
