"""Another gate beside a :class:`tests.tools.site.Site`: an agent of its own on the same broker.

It has the same inputs and outputs on simulated pins, and a folder below the site's.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import yaml

from tests.tools.local import Local
from tests.tools.program import Program, gatehouse
from tests.tools.site import STARTED_S, Site
from tests.tools.site_config import STATION, Section, gate_config, overlaid

SEES_S = 90.0


class Neighbour(Local):
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
        self.config = overlaid(made, sections)
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

    def until_waiting(self, way: str, within_s: float = 20.0) -> list[dict[str, Any]]:
        """What waits for the guard here, of one way, once something does."""
        found: list[dict[str, Any]] = self.site.until(lambda: self.waiting(way), within_s)
        return found

    def sounds(self, output: str) -> bool:
        """Whether an output is away from its safe state."""
        return bool(self.status().get("outputs", {}).get(output))
