"""People who are on no list walk by: nothing of them is written, sent or kept."""

from __future__ import annotations

import base64
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.packs import load_pack
from tests.tools.memory_scan import Needles, parts_of
from tests.tools.passers_by import MARK
from tests.tools.people import entry, give_list
from tests.tools.site import Site
from tests.tools.site_config import file_camera

FEW, MANY = 60, 10_000
HELD_S = 2.0
A_PERSON_S = 1.5
NUMBERS = re.compile(rb"(-?\d\.\d+,\s*){8}")
LONG = re.compile(rb"[A-Za-z0-9+/]{86}")
MARKERS_A_PERSON = 4 + 3 * 4  # dlib's answer is the template
DIM = 128


@pytest.fixture(params=[FEW, pytest.param(MANY, marks=pytest.mark.soak)])
def people(request: pytest.FixtureRequest) -> int:
    """How many walk by."""
    return int(request.param)


@pytest.fixture
def site(people: int, tmp_path: Path, packs_dir: Path) -> Iterator[Site]:
    """A gate that looks for one person, with a vision program before which others walk by."""
    with Site(
        tmp_path / "site",
        cameras={"passers": file_camera(tmp_path / "none.mp4")},
        faces={"enabled": True},
        models={"dir": str(packs_dir)},
        log={"level": "debug"},
    ) as made:
        planted = [sys.executable, "-P", "-m", "tests.tools.passers_by", str(people)]
        made.vision.command = [*planted, str(tmp_path / "markers"), str(made.config_path)]
        yield made


def somebody(packs_dir: Path) -> dict[str, Any]:
    """An entry whose template was made elsewhere, and is nobody's."""
    row = np.random.default_rng(3).standard_normal(DIM).astype("<f4") / 8
    made = {"model_id": load_pack(packs_dir, "dlib").body.model_id}
    made["vector"] = base64.b64encode(row.tobytes()).decode()
    whole = entry("drill-x1", [], templates=[made])
    return {name: part for name, part in whole.items() if name != "photos"}


def markers(folder: Path) -> Needles:
    """What was planted, each once."""
    data = (folder / "markers").read_bytes()
    return Needles(sorted({data[at : at + MARK] for at in range(0, len(data), MARK)}))


def test_nothing_of_passers_by_is_written_sent_or_kept(
    site: Site, people: int, tmp_path: Path, packs_dir: Path
) -> None:
    """Frames, chips, inputs and templates of everybody: 0 in files, on wires, in memory."""
    site.start("station", "agent")
    give_list(site, [somebody(packs_dir)])
    site.start("vision")
    site.until(lambda: site.component("vision").get("compared") == people, people * A_PERSON_S)
    time.sleep(HELD_S)  # the time that is promised, not a wait for anything
    planted = markers(tmp_path)
    assert planted.count >= people * MARKERS_A_PERSON * 0.99
    for program in (site.vision, site.agent):
        held = set().union(*(planted.found(part) for part in parts_of(program.pid)))
        assert not held, f"{len(held)} of {planted.count} in the memory of process {program.pid}"
    assert site.component("vision")["leads"] == 0
    for message in site.recorder.messages:
        assert not planted.found(message.payload), message.topic
        if "/desired/" not in message.topic:
            assert not NUMBERS.search(message.payload), message.topic
            assert not LONG.search(message.payload), message.topic
    files = [path for path in site.folder.rglob("*") if path.is_file()]
    for path in files:
        assert not planted.found(path.read_bytes()), path
    for program in (site.vision, site.agent):
        assert not NUMBERS.search(program.log.encode()), "numbers in a row"
    site.vision.send(signal.SIGABRT)
    site.vision.wait()
    after = [path for path in site.folder.rglob("*") if path.is_file()]
    assert {path.name for path in after} == {path.name for path in files}, "no core file"
    assert site.panic_works()
