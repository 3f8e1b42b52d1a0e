"""A gate whose disk fails while alarms wait on it, played out.

Here: the scenes and what they measured. What must have come of them is asserted in
``test_faults_storage``; they play beside other tests (``conftest``).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.tools.checker import Ledger
from tests.tools.disks import INJECTED, ext4, failing_syncs, turned_read_only
from tests.tools.outbox import waiting
from tests.tools.site import Site
from tests.tools.site_config import PANICS

BEFORE, DURING, AFTER = PANICS[3:6], PANICS[6:9], PANICS[9:12]
FIRST_FAILING = 3
AGAIN = 2  # refused, opened anew, and refused again
DRAINED_S = MENDED_S = 60.0
STORED_S = 20.0


@dataclass(frozen=True, slots=True)
class Failing:
    """What the gate said of its disk (issue, component, alerts) and what it did meanwhile.

    ``failed`` are the syncs that were refused, ``late`` the alarms of each part by their buttons.
    """

    issue: str
    state: str
    told: list[str]
    siren: bool
    pressed_s: float
    late: list[str]
    ledger: Ledger
    failed: int = 0


def syncs_fail(folder: Path, *, killed: bool) -> Failing:
    """Every sync fails from the third on; *killed*: SIGKILL in the midst of it, then no fault."""
    with Site(folder, log={"level": "debug"}) as site:
        _wait_on_disk(site, BEFORE)
        trace = folder / "syncs.trace"
        with failing_syncs(site.agent, trace, FIRST_FAILING):
            failing = _fails(site)
            site.until(lambda: trace.read_text("utf-8").count(INJECTED) >= AGAIN, MENDED_S)
            if killed:
                site.agent.kill()
        if killed:
            site.start("agent")
        failed = trace.read_text("utf-8").count(INJECTED)
        return _mended(site, *failing, failed)


def turns_read_only(folder: Path) -> Failing:
    """The file system of the data folder meets an error; later it is checked and mounted anew."""
    folder.mkdir()
    data, image = folder / "data", folder / "disk"
    with ExitStack() as stack:
        stack.enter_context(ext4(image, folder=data))
        node = {"data_dir": str(data)}
        site = stack.enter_context(Site(folder / "site", node=node, log={"level": "debug"}))
        _wait_on_disk(site, BEFORE)
        mend = stack.enter_context(ExitStack())
        stack.callback(site.agent.kill)
        with turned_read_only(image, data, mend):
            failing = _fails(site)
        return _mended(site, *failing)


def _wait_on_disk(site: Site, buttons: Sequence[str]) -> None:
    """Alarms that only the disk holds: the station is away."""
    if not site.agent.running:
        site.start("station", "agent")
        site.panic_works()
    site.station.stop()
    for name in buttons:
        site.push(name)
    site.until(lambda: len(waiting(_data(site))) >= len(buttons), STORED_S)


def _fails(site: Site) -> tuple[str, str, bool, float]:
    """Alarms while the disk fails: told, sounded, sent, and with them what waited."""
    for name in DURING:
        site.push(name)
    siren = bool(site.until(lambda: site.status()["outputs"]["siren-1"], 5))
    issue = str(site.issue("storage", MENDED_S)["text"])
    state = str(site.beat()["components"]["outbox"]["state"])
    site.start("station")
    site.delivered(DRAINED_S)
    pressed_s = site.panic_works().latency_s
    return issue, state, siren, pressed_s


def _mended(
    site: Site, issue: str, state: str, siren: bool, pressed_s: float, failed: int = 0
) -> Failing:
    """The disk does its work again: alarms wait on it, a kill comes, all of them arrive."""
    site.issue_gone("storage", MENDED_S)
    site.delivered(DRAINED_S)
    _wait_on_disk(site, AFTER)
    site.agent.kill()
    site.start("station", "agent")
    site.delivered(DRAINED_S)
    site.panic_works()
    ours = {*BEFORE, *DURING, *AFTER}
    late = [alert.device for alert in site.alerts("panic") if alert.device in ours]
    told = [alert.msgtype for alert in site.alerts("storage.degraded")]
    return Failing(issue, state, told, siren, pressed_s, late, Ledger.of(site), failed)


def _data(site: Site) -> Path:
    return Path(site.config["node"]["data_dir"])
