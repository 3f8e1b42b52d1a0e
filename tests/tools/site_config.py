"""The configuration of a gate under test: every kind of input, simulated pins, fast heartbeats.

Here: the file's content. Not here: processes (``tests.tools.site``), cameras' pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

STATION, SITE, NODE = "cancheng", "liya-garden", "gate-1"
PANICS = tuple(f"panic-{number}" for number in range(1, 13))
PLACE = "north-gate"

Section = dict[str, Any]
Place = tuple[str, int]


def gate_config(
    folder: Path, brokers: Sequence[Place], trusted_keys: Path, **sections: Section
) -> Section:
    """A gate whose data and sockets lie in *folder*; *sections* are laid over it key by key."""
    config: Section = {
        "schema": 1,
        "node": {
            "station": STATION,
            "site": SITE,
            "node": NODE,
            "name": {"en": "Liya Garden north gate", "zh": "丽雅花园北门"},
            "pin_factory": "mock",
            "data_dir": str(folder / "data"),
            "run_dir": str(folder / "run"),
            "trusted_keys": str(trusted_keys),
        },
        "link": {
            "brokers": [{"host": host, "port": port} for host, port in brokers],
            "protocol": "5",
            "keepalive_s": 5,
            "heartbeat_s": 1.0,
            "connect_timeout_s": 3.0,
        },
        "inputs": _inputs(),
        "outputs": {
            "siren-1": {"type": "siren", "pin": 16, "name": "Siren"},
            "relay-1": {"type": "gate", "pin": 21, "name": "Door relay"},
        },
        "access": {
            "doors": {"pedestrian": {"contact": "door-1", "relay": "relay-1", "exit": "exit-1"}}
        },
        "rules": [{"type": "panic", "outputs": ["siren-1"]}],
    }
    return overlaid(config, sections)


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> Section:
    """*below* with the values of *above*; mappings are joined, everything else is replaced."""
    joined = dict(below)
    for key, value in above.items():
        standing = joined.get(key)
        both = isinstance(standing, Mapping) and isinstance(value, Mapping)
        joined[key] = overlaid(standing, value) if both and standing is not None else value
    return joined


def camera(source: Section, **changes: Any) -> Section:
    """A camera at the gate."""
    return {"source": source, "where": PLACE, "name": "Camera", **changes}


def file_camera(path: Path, **changes: Any) -> Section:
    """A camera that plays a file over and over."""
    return camera({"type": "file", "path": str(path), "loop": True}, **changes)


def rtsp_camera(url: str, **changes: Any) -> Section:
    """A network camera that is given up on after two seconds without an answer."""
    timeouts = {"open_timeout_s": 2.0, "read_timeout_s": 2.0}
    return camera({"type": "rtsp", "url": url, **timeouts}, **changes)


def _inputs() -> Section:
    about = {"where": PLACE, "name": "Input"}
    panics = {name: _panic(name, pin) for pin, name in enumerate(PANICS, start=2)}
    return panics | {
        "medical-1": {"type": "medical", "pin": 22, **about},
        "reset-1": {"type": "reset", "pin": 23, **about},
        "door-1": {"type": "door", "pin": 24, **about},
        "exit-1": {"type": "exit", "pin": 25, **about},
        "cabinet-1": {"type": "tamper", "cut_pin": 26, "short_pin": 27, **about},
    }


def _panic(name: str, pin: int) -> Section:
    return {"type": "panic", "pin": pin, "where": PLACE, "name": {"en": name, "zh": f"岗亭{name}"}}
