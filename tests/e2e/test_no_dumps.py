"""Core, vision and station as they are started by hand: no core file, and no look into them."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.tools.site import Site
from tests.tools.site_config import file_camera

NAMES = ("station", "agent", "vision")
# Root may look into everything: everybody here does without that right.
UNPRIVILEGED = ["setpriv", "--bounding-set", "-sys_ptrace"] if os.geteuid() == 0 else []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Programs whose parent would let them dump."""
    if UNPRIVILEGED and shutil.which(UNPRIVILEGED[0]) is None:
        pytest.skip("setpriv is not installed")
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    folder = tmp_path_factory.mktemp("site")
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        camera = file_camera(folder / "none.mp4")
        with Site(folder / "site", cameras={"gate": camera}) as made:
            for name in NAMES:
                program = getattr(made, name)
                program.command = [*UNPRIVILEGED, *program.command]
            yield made.start(*NAMES)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.mark.parametrize("name", NAMES)
def test_a_program_has_no_room_for_a_core_file(site: Site, name: str) -> None:
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("here no program may dump core, whatever it does")
    assert resource.prlimit(getattr(site, name).pid, resource.RLIMIT_CORE) == (0, 0)


@pytest.mark.parametrize("name", NAMES)
def test_no_other_program_of_its_user_looks_into_it(site: Site, name: str) -> None:
    """Neither for a dump nor for its memory: it is not dumpable, whatever its limits are."""
    with subprocess.Popen([*UNPRIVILEGED, "cat"], stdin=subprocess.PIPE) as other:
        if not open_to_others(other.pid):
            pytest.skip("here no process may look into another")
    assert not open_to_others(getattr(site, name).pid)


def open_to_others(pid: int) -> bool:
    """What the kernel asks before it shows memory, it asks before it tells what runs there."""
    line = [*UNPRIVILEGED, "readlink", f"/proc/{pid}/exe"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    return done.returncode == 0 and bool(done.stdout.strip())
