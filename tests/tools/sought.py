"""Cases as a person at the station writes them, and the orders about them as typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.tools.orders import GATE_NAME
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import Site

Answer = tuple[int, dict[str, Any]]


def case(folder: Path, entry: Mapping[str, Any]) -> Path:
    """A case file."""
    path = folder / "case.json"
    path.write_text(json.dumps([entry], ensure_ascii=False), encoding="utf-8")
    return path


def sought(site: Site, order: str, verb: str, what: str | Path, *options: str) -> Answer:
    """``gatehouse station track|search start|stop``: exit code and the gate's answer."""
    place = ["--dir", str(site.folder / "station"), "--json"]
    said = ["--by", "desk-3", "--reason", "drill"]
    gates = [] if "--gate" in options else ["--gate", GATE_NAME]
    command = gatehouse("station", order, verb, what, *gates, *said, *options, *place)
    done = run_to_end(command, timeout_s=90)
    told = json.loads(done.stdout)
    return done.returncode, told["results"][0] if "results" in told else told
