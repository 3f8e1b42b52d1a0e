"""The vision program of ``passers_by``, but it leaks: whatever looks for markers has to find them.

``python -P -m tests.tools.leaking COUNT MARKERS gate.yaml``: each template stays in memory, is
appended to a file beside gate.yaml, logged in numbers, and told to the core as the reason why the
camera is lost.
"""

from __future__ import annotations

import base64
import logging
import sys
from pathlib import Path
from typing import Any

from agent import vision_main
from agent.core.events import CameraState
from agent.runtime.entry import enter
from agent.vision.faces import FaceWork
from tests.tools.passers_by import People, plant

LONGEST_REASON = 300
log = logging.getLogger("agent.vision.leaking")


def leak(people: People, folder: Path) -> None:
    """From now on, into every place."""
    work: Any = FaceWork
    keep, held = work._kept, []

    def leaking_keep(self: FaceWork, probe: Any) -> Any:
        kept = keep(self, probe)
        copy = kept.vector.tobytes()
        held.append(copy)
        with (folder / "leaked.bin").open("ab") as file:
            file.write(copy)
        log.info("template %s", kept.vector.tolist())
        people.reason = base64.b64encode(copy).decode()[:LONGEST_REASON]
        people.state = CameraState.LOST
        return kept

    work._kept = leaking_keep


if __name__ == "__main__":
    leak(plant(int(sys.argv.pop(1)), Path(sys.argv.pop(1))), Path(sys.argv[1]).parent)
    enter(vision_main.run)
