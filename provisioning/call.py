"""Reaching a running agent: its configuration, and questions through its local socket."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from agent.config.last_good import Opened
    from agent.config.schema.root import Config

SYSTEM_STATE = Path("/var/lib/gatehouse")
SYSTEM_CONFIG = Path("/etc/gatehouse/gate.yaml")
DEMO_CONFIG = Path("demo") / "gate.yaml"


def find_config() -> Path:
    """The configuration when none is named: $GATEHOUSE_CONFIG, a demo's here, or this machine's."""
    named = os.environ.get("GATEHOUSE_CONFIG")
    if named:
        return Path(named)
    demo = Path(os.environ.get("GATEHOUSE_HOME") or ".gatehouse") / DEMO_CONFIG
    return demo if demo.exists() else SYSTEM_CONFIG


ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        help="The gate's configuration file.",
        metavar="FILE",
        default_factory=find_config,
        show_default="$GATEHOUSE_CONFIG, the demo's, or /etc/gatehouse/gate.yaml",
    ),
]


def open_known(path: Path) -> Opened:
    """What an agent started with *path* runs with, and what is wrong with the file by now."""
    from agent.config.last_good import last_good_path, open_config

    kept_by_service = last_good_path(path, SYSTEM_STATE).exists()
    return open_config(path, SYSTEM_STATE if kept_by_service else None, keep=False)


def load_config(path: Path) -> Config:
    """The configuration that an agent started with *path* runs with."""
    return open_known(path).config


def ask_agent(path: Path, op: str, **arguments: Any) -> dict[str, Any]:
    """Ask the agent that runs with the configuration at *path*."""
    from agent.pipeline.local import ask

    return ask(load_config(path).node.run_dir / "control.sock", op, **arguments)
