"""Watchlists as the station's command line signs and sends them, against a whole site."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import GATE, Site

DIM = 128


def entries(count: int) -> list[dict[str, Any]]:
    """Entries whose templates were made elsewhere."""
    now = time.time()
    when = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + s)) for s in (-3600, 86_400 * 30)]
    return [
        {
            "entry_id": f"W-{number:05}",
            "list": "wanted",
            "authority": "Cancheng public security bureau",
            "case_reference": f"A-2026-{number:05}",
            "legal_basis": "Criminal Procedure Law, art. 150",
            "category": "robbery",
            "approvers": ["duty-officer", "shift-lead"],
            "not_before": when[0],
            "expires_at": when[1],
            "instruction": {"en": "Do not approach. Call.", "zh": "请勿接近，立即报告。"},
            "templates": [{"model_id": "dlib", "vector": vector(number)}],
        }
        for number in range(count)
    ]


def vector(number: int) -> str:
    """Four bytes of every float tell the number."""
    return base64.b64encode((number + 1).to_bytes(4, "little") * DIM).decode("ascii")


def station(site: Site, *arguments: str) -> dict[str, Any]:
    """A station command and what it said."""
    folder = str(site.folder / "station")
    done = run_to_end(gatehouse("station", *arguments, "--dir", folder, "--json"), timeout_s=180)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def signed(site: Site, count: int) -> tuple[str, dict[str, Any]]:
    """A signed list, and what ``sign`` said of it."""
    source, out = site.folder / "list.json", site.folder / "signed.json"
    source.write_text(json.dumps(entries(count)), encoding="utf-8")
    return str(out), station(site, "sign", str(source), "-o", str(out))


def reported(site: Site) -> dict[str, Any]:
    """The gate's newest word on its watchlist."""
    words = site.recorder.on(f"{GATE}/reported/watchlist")
    return json.loads(words[-1].payload) if words else {}
