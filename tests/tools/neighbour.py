"""Another gate beside a :class:`tests.tools.site.Site`: an agent of its own on the same broker.

It has the same inputs and outputs on simulated pins, and a folder below the site's.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from agent.core.errors import GatehouseError
from agent.pipeline.local import ask
from tests.tools.program import Program, gatehouse, run_to_end
from tests.tools.site import STARTED_S, Site
from tests.tools.site_config import STATION, Section, gate_config, overlaid

SEES_S = 90.0


def guard(config: Path, *words: str) -> dict[str, Any]:
    """What ``gatehouse guard`` answers at the gate of that configuration."""
    done = run_to_end(gatehouse("guard", *words, "--config", str(config), "--json"))
    assert done.returncode == 0, f"{done.stderr}{done.stdout}"
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


class Neighbour:
    """One more agent. A context manager that ends what it started."""

    def __init__(self, site: Site, name: str, **sections: Section) -> None:
        """*name* is its site's id; *sections* are laid over the sample gate's configuration."""
        self.site = site
        self.name = name
        folder = site.folder / name
        folder.mkdir()
        node = {"site": name, "node": "gate-1", "name": f"Gate of {name}"}
        keys = site.folder / "station" / "trusted-keys.json"
        made = gate_config(folder, [(site.broker.host, site.broker.port)], keys, node=node)
        self.config: Section = overlaid(made, sections)
        self.config_path = folder / "gate.yaml"
        self.base = f"gh/v1/{STATION}/{name}/gate-1"
        text = yaml.safe_dump(self.config, allow_unicode=True, sort_keys=False)
        self.config_path.write_text(text, encoding="utf-8")
        self.agent = Program(
            gatehouse("run", "--config", str(self.config_path)), folder / "agent.log"
        )
        self.vision = Program(
            gatehouse("vision", "--config", str(self.config_path)), folder / "vision.log"
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.vision.kill()
        self.agent.kill()

    def start(self) -> Self:
        """Start the agent and wait until it has the broker."""
        self.agent.start()
        self.site.until(lambda: self.status().get("link"), STARTED_S)
        return self

    def see(self) -> Self:
        """Start its vision program and wait until that sees."""
        self.vision.start()
        self.site.until(lambda: self.component("vision").get("state") == "ok", SEES_S)
        return self

    def component(self, name: str) -> dict[str, Any]:
        """What the agent notes of one of its parts."""
        found: dict[str, Any] = self.status().get("components", {}).get(name, {})
        return found

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Ask the agent through its local socket."""
        return ask(Path(self.config["node"]["run_dir"]) / "control.sock", op, **arguments)

    def status(self) -> dict[str, Any]:
        """How the gate does; empty while no agent answers."""
        try:
            return self.ask("status")
        except GatehouseError:
            return {}

    def waiting(self, way: str) -> list[dict[str, Any]]:
        """What waits for the guard here, of one way."""
        return [item for item in self.ask("guard.list")["items"] if item["way"] == way]

    def until_waiting(self, way: str, within_s: float = 20.0) -> list[dict[str, Any]]:
        """The same, once something does."""
        found: list[dict[str, Any]] = self.site.until(lambda: self.waiting(way), within_s)
        return found

    def sounds(self, output: str) -> bool:
        """Whether an output is away from its safe state."""
        return bool(self.status().get("outputs", {}).get(output))

    def guard(self, *words: str) -> dict[str, Any]:
        """What ``gatehouse guard`` answers here."""
        return guard(self.config_path, *words)
