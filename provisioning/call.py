"""Reaching a running agent: its configuration, and questions through its local socket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from agent.config.schema.root import Config

ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", help="The gate's configuration file.", metavar="FILE"),
]


def load_config(path: Path) -> Config:
    """The configuration that an agent started with *path* runs with."""
    from agent.config.last_good import open_config

    return open_config(path).config


def ask_agent(path: Path, op: str, **arguments: Any) -> dict[str, Any]:
    """Ask the agent that runs with the configuration at *path*."""
    from agent.pipeline.local import ask

    return ask(load_config(path).node.run_dir / "control.sock", op, **arguments)
