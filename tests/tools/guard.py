"""What people type at the gate and the desk at its station, against a whole site."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.tools.orders import GATE_NAME
from tests.tools.program import REPO, environment, gatehouse, run_to_end
from tests.tools.site import Site


def station(site: Site, name: str, *options: str) -> tuple[int, dict[str, Any]]:
    """A command of the station about the gate: exit code and answer."""
    place = ["--dir", str(site.folder / "station"), "--json"]
    done = run_to_end(gatehouse("station", name, GATE_NAME, *options, *place), timeout_s=60)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def facts(site: Site, kind: str) -> list[dict[str, Any]]:
    """Details of every fact of that kind that the station stored."""
    rows = site.rows("messages", f"channel='event' AND kind='{kind}'")
    return [json.loads(row["body"])["data"]["details"] for row in rows]


def enrol(site: Site, person: str, proof: str, shown: str) -> None:
    """As a person does at the gate; the code or card comes by standard input."""
    line = gatehouse("guard", "enrol", person, "--proof", proof, "--config", str(site.config_path))
    done = subprocess.run(
        line, input=f"{shown}\n", text=True, cwd=REPO, env=environment(), check=False
    )
    assert done.returncode == 0
