"""An enrolment or a withdrawal that is killed at its steps: as before or as after, never half."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.vault import RESIDENTS
from tests.support.residents import NAME, OTHER_ROW, ROW, UNIT, opened, resident
from tests.support.wiping import raw
from tests.tools.program import REPO, environment

MOST_STEPS = 60


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gate with one resident."""
    data = tmp_path_factory.mktemp("before")
    store = opened(data)
    store.put(resident(store))
    return data


def killed(data: Path, before: Path, deed: str, step: int) -> bool:
    """Whether the process was killed at that step; otherwise it ended by itself."""
    shutil.copytree(before, data)
    line = [sys.executable, "-m", "tests.support.residents", str(data), deed, str(step)]
    done = subprocess.run(
        line, cwd=REPO, env=environment(), stderr=subprocess.PIPE, timeout=60, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def rows(data: Path) -> dict[str, bytes]:
    """Whom the next start finds, with the template; and nothing of a draft or of who is gone."""
    found = {one.resident_id: next(iter(one.templates.values()))[0] for one in opened(data).all()}
    names = [path.name for path in (data / RESIDENTS).iterdir()]
    assert len(names) == len(found) + 2, "beside residents: keys and seeds"
    assert [n for n in names if n.endswith((".tmp", ".gone"))] == []
    scan = raw(data)
    assert [word for word in (NAME.encode(), UNIT.encode(), ROW, OTHER_ROW) if word in scan] == []
    return found


@pytest.mark.parametrize(
    ("deed", "after"),
    [
        ("enrol", {"r-1": ROW, "r-2": ROW}),
        ("again", {"r-1": OTHER_ROW}),
        ("withdraw", {}),
    ],
)
def test_killed_at_every_step_it_is_as_before_or_as_after(
    tmp_path: Path, before: Path, deed: str, after: dict[str, bytes]
) -> None:
    seen = []
    for step in range(MOST_STEPS):
        was_killed = killed(tmp_path / str(step), before, deed, step)
        seen.append(rows(tmp_path / str(step)))
        assert seen[-1] in ({"r-1": ROW}, after)
        if not was_killed:
            break
    else:
        raise AssertionError(f"it does not end within {MOST_STEPS} steps")
    assert seen[0] == {"r-1": ROW}
    assert seen[-1] == after
    turned = [found == after for found in seen]
    assert turned == sorted(turned), "once it is so, it stays so"
