"""People who are on no list walk by: nothing of them is written, sent or kept.

The last test leaks on purpose: what looks for markers has to find each of its leaks.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from models.packs import load_pack
from tests.tools.memory_scan import Needles, parts_of
from tests.tools.passers_by import MARK
from tests.tools.people import entry, give_list
from tests.tools.site import Site
from tests.tools.site_config import file_camera

FEW, MANY = 60, 10_000
LEAKING = 8
HELD_S = 2.0
A_PERSON_S = 1.5
CHECKS = 10
CHECKED = 200
NUMBERS = re.compile(rb"(-?\d\.\d+,\s*){8}")
LONG = re.compile(rb"[A-Za-z0-9+/]{86}")
MARKERS_A_PERSON = 4 + 3 * 4  # dlib's answer is the template
DIM = 128


@contextmanager
def gate(tool: str, people: int, folder: Path, packs_dir: Path) -> Iterator[Site]:
    """A gate that looks for one person; so many others walk by before its vision program."""
    with Site(
        folder / "site",
        cameras={"passers": file_camera(folder / "none.mp4")},
        faces={"enabled": True},
        models={"dir": str(packs_dir)},
        log={"level": "debug"},
    ) as made:
        planted = [sys.executable, "-P", "-m", f"tests.tools.{tool}", str(people)]
        made.vision.command = [*planted, str(folder / "markers"), str(made.config_path)]
        made.start("station", "agent")
        give_list(made, [somebody(packs_dir)])
        made.start("vision")
        yield made


def somebody(packs_dir: Path) -> dict[str, Any]:
    """An entry whose template was made elsewhere, and is nobody's."""
    row = np.random.default_rng(3).standard_normal(DIM).astype("<f4") / 8
    made = {"model_id": load_pack(packs_dir, "dlib").body.model_id}
    made["vector"] = base64.b64encode(row.tobytes()).decode()
    whole = entry("drill-x1", [], templates=[made])
    return {name: part for name, part in whole.items() if name != "photos"}


def markers(folder: Path) -> list[set[bytes]]:
    """What was planted: at the start (the pack proves itself), then of each person in turn."""
    data = (folder / "markers").read_bytes()
    people: list[set[bytes]] = [set()]
    for at in range(0, len(data) - MARK + 1, MARK):
        mark = data[at : at + MARK]
        if any(mark):
            people[-1].add(mark)
        else:
            people.append(set())
    return people


def needles(people: list[set[bytes]]) -> Needles:
    """Everything of these people, each once."""
    return Needles(sorted(set().union(*people)))


def compared(site: Site) -> int:
    """How many people were compared with the list."""
    return int(site.component("vision").get("compared", 0))


def in_memory(pid: int, planted: Needles) -> int:
    """How many of them a process holds, freed memory and all: what a core file would show."""
    return len(set().union(*(planted.found(part) for part in parts_of(pid))))


def found(site: Site, folder: Path, planted: Needles) -> dict[str, int]:
    """Where something stands of what was planted, or of templates in text; how often."""

    def tells(data: bytes) -> bool:
        return bool(planted.found(data) or NUMBERS.search(data) or LONG.search(data))

    sent = [one.payload for one in site.recorder.messages if "/desired/" not in one.topic]
    files = [path for path in site.folder.rglob("*") if path.is_file()]
    logs = [program.log.encode() for program in (site.vision, site.agent)]
    places = {
        "memory of vision": in_memory(site.vision.pid, planted),
        "memory of the core": in_memory(site.agent.pid, planted),
        "files": sum(bool(planted.found(path.read_bytes())) for path in files),
        "broker": sum(map(tells, sent)),
        "socket of vision": int(tells((folder / "markers.said").read_bytes())),
        "logs": sum(bool(NUMBERS.search(log)) for log in logs),
    }
    return {place: count for place, count in places.items() if count}


def held_too_long(site: Site, folder: Path) -> int:
    """Markers of people who passed over 2 s ago, in vision as it is in this moment.

    A person takes 2.1 s of the program's clock: all but the last two are over.
    """
    process = psutil.Process(site.vision.pid)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        site.until(lambda: process.status() == psutil.STATUS_STOPPED, 5)
        planted = needles(markers(folder)[-CHECKED - 2 : -2])
        assert planted.count
        return in_memory(process.pid, planted)
    finally:
        os.kill(process.pid, signal.SIGCONT)


@pytest.mark.parametrize("people", [FEW, pytest.param(MANY, marks=pytest.mark.soak)])
def test_nothing_of_passers_by_is_written_sent_or_kept(
    people: int, tmp_path: Path, packs_dir: Path
) -> None:
    """Frames, chips, inputs and templates of everybody: 0 in files, on wires, in memory."""
    with gate("passers_by", people, tmp_path, packs_dir) as site:
        for check in range(1, CHECKS):
            met = people * check // CHECKS
            site.until(lambda: compared(site) >= met, people * A_PERSON_S)  # noqa: B023 - now
            assert held_too_long(site, tmp_path) == 0, f"after {met} people"
        site.until(lambda: compared(site) == people, people * A_PERSON_S)
        time.sleep(HELD_S)  # the time that is promised, not a wait for anything
        planted = needles(markers(tmp_path))
        assert planted.count >= people * MARKERS_A_PERSON * 0.99
        assert found(site, tmp_path, planted) == {}
        assert site.component("vision")["leads"] == 0
        files = {path.name for path in site.folder.rglob("*") if path.is_file()}
        site.vision.send(signal.SIGABRT)
        site.vision.wait()
        after = {path.name for path in site.folder.rglob("*") if path.is_file()}
        assert after == files, "no core file"
        assert site.panic_works()


def test_a_leak_is_found_wherever_it_is(tmp_path: Path, packs_dir: Path) -> None:
    with gate("leaking", LEAKING, tmp_path, packs_dir) as site:
        site.until(lambda: compared(site) == LEAKING, 60)
        site.stored(lambda alert: alert.kind == "camera.lost")
        assert held_too_long(site, tmp_path) > 0
        leaks = found(site, tmp_path, needles(markers(tmp_path)))
    assert set(leaks) == {"memory of vision", "files", "broker", "socket of vision", "logs"}
    assert leaks["memory of vision"] >= LEAKING
