"""The demo's gate and station: where its files lie and what they say.

Everything is made below one folder (``.gatehouse/demo``); nothing outside is touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

STATION = "cancheng"
SITE = "liya-garden"
NODE = "gate-1"
CAMERA = "gate-cam"
PLACE = "north-gate"
ENTRY = "drill-volunteer-1"
DRILL_DAYS = 7


@dataclass(frozen=True, slots=True)
class Site:
    """Paths of one demo."""

    folder: Path

    @property
    def config(self) -> Path:
        """The gate's configuration."""
        return self.folder / "gate.yaml"

    @property
    def station(self) -> Path:
        """The station's folder."""
        return self.folder / "station"

    @property
    def video(self) -> Path:
        """What the camera sees."""
        return self.folder / "passers-by.mp4"

    @property
    def photos(self) -> Path:
        """Photos for the drill's watchlist."""
        return self.folder / "photos"

    @property
    def watchlist(self) -> Path:
        """The drill's signed watchlist."""
        return self.folder / "drill-watchlist.json"

    @property
    def logs(self) -> Path:
        """What the programs say."""
        return self.folder / "log"

    @property
    def gate_id(self) -> str:
        """``station.site.node``."""
        return f"{STATION}.{SITE}.{NODE}"


def write_config(site: Site, broker_port: int, protocol: str, models: Path) -> None:
    """The gate of the demo: simulated pins, a video as its camera, a broker on loopback."""
    config: dict[str, Any] = {
        "schema": 1,
        **_node(site),
        "link": {
            "brokers": [{"host": "127.0.0.1", "port": broker_port}],
            "protocol": protocol,
            "keepalive_s": 10,
            "heartbeat_s": 5.0,
        },
        **_wired(),
        **_seen(site),
        "models": {"dir": str(models)},
        "rules": [{"type": "panic", "outputs": ["siren-1"]}],
    }
    text = "# Made by 'gatehouse demo'; your own gate starts from examples/gate.yaml.\n"
    text += yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    site.config.write_text(text, encoding="utf-8")


def _node(site: Site) -> dict[str, Any]:
    node = {
        "station": STATION,
        "site": SITE,
        "node": NODE,
        "name": {"en": "Liya Garden north gate", "zh": "丽雅花园北门"},
        "pin_factory": "mock",
        "data_dir": str(site.folder / "data"),
        "run_dir": str(site.folder / "run"),
        "trusted_keys": str(site.station / "trusted-keys.json"),
    }
    return {"node": node}


def _wired() -> dict[str, Any]:
    """Inputs, outputs, and the door that they make."""
    return {
        "inputs": _inputs(),
        "outputs": {
            "siren-1": {"type": "siren", "pin": 16, "name": {"en": "Siren", "zh": "警号"}},
            "relay-1": {"type": "gate", "pin": 21, "name": {"en": "Door relay", "zh": "门锁"}},
        },
        "access": {
            "doors": {"pedestrian": {"contact": "door-1", "relay": "relay-1", "exit": "exit-1"}}
        },
    }


def _seen(site: Site) -> dict[str, Any]:
    """The video, and faces in it."""
    camera = {
        "source": {"type": "file", "path": str(site.video), "loop": True},
        "where": PLACE,
        "name": {"en": "North gate camera", "zh": "北门摄像机"},
    }
    return {"cameras": {CAMERA: camera}, "faces": {"enabled": True, "pack": "dlib"}}


def _inputs() -> dict[str, Any]:
    return {
        "panic-1": {
            "type": "panic", "pin": 17, "where": PLACE,
            "name": {"en": "north gate", "zh": "北门岗亭"},
        },
        "door-1": {
            "type": "door", "pin": 24, "where": PLACE,
            "name": {"en": "pedestrian door", "zh": "人行门"},
        },
        "exit-1": {
            "type": "exit", "pin": 25, "where": PLACE,
            "name": {"en": "exit button", "zh": "出门按钮"},
        },
        "cabinet-1": {
            "type": "tamper", "cut_pin": 5, "short_pin": 6, "where": PLACE,
            "name": {"en": "control cabinet", "zh": "控制箱"},
        },
    }  # fmt: skip


def write_entries(site: Site, photos: list[Path]) -> Path:
    """The drill's list, to be signed: one volunteer, for a week, marked as a drill."""
    now = datetime.now(UTC).replace(microsecond=0)
    entry = {
        "entry_id": ENTRY,
        "list": "missing",
        "authority": "Demonstration station",
        "case_reference": "DRILL-0001",
        "legal_basis": "Drill with public press photos; nobody is searched for",
        "category": "drill",
        "approvers": ["drill-officer-1", "drill-officer-2"],
        "not_before": (now - timedelta(hours=1)).isoformat(),
        "expires_at": (now + timedelta(days=DRILL_DAYS)).isoformat(),
        "instruction": {
            "en": "Drill: confirm the lead and note the time.",
            "zh": "演练：核实线索并记录时间。",
        },
        "photos": [str(photo) for photo in photos],
    }
    path = site.folder / "drill-entries.yaml"
    path.write_text(yaml.safe_dump([entry], allow_unicode=True, sort_keys=False), "utf-8")
    return path
