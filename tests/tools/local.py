"""A gate as it is asked where it stands: through its agent's socket, and by what a guard types.

Here: what every gate of a test can be asked. Not here: its programs and its folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent.core.errors import GatehouseError
from agent.pipeline.local import ask
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site_config import Section

TYPED_S = 60.0


class Local:
    """Base of what has a gate. ``config`` is the gate's configuration, ``config_path`` its file."""

    config: Section
    config_path: Path

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Ask the agent through its local socket."""
        return ask(Path(self.config["node"]["run_dir"]) / "control.sock", op, **arguments)

    def status(self) -> dict[str, Any]:
        """How the gate does; empty while no agent answers."""
        try:
            return self.ask("status")
        except GatehouseError:
            return {}

    def component(self, name: str) -> dict[str, Any]:
        """What the agent notes of one of its parts."""
        found: dict[str, Any] = self.status().get("components", {}).get(name, {})
        return found

    def guard(self, *words: str) -> dict[str, Any]:
        """What ``gatehouse guard`` answers at this gate."""
        line = gatehouse("guard", *words, "--config", self.config_path, "--json")
        done = run_to_end(line, timeout_s=TYPED_S)
        assert done.returncode == 0, f"{done.stderr}{done.stdout}"
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def waiting(self, way: str = "") -> list[dict[str, Any]]:
        """What waits for a person at this gate; of one way when it is named."""
        items: list[dict[str, Any]] = self.ask("guard.list")["items"]
        return [item for item in items if not way or item["way"] == way]
