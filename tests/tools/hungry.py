"""The vision program with a leak: while a file is there, each turn takes 700 MB and keeps them.

python -m tests.tools.hungry TRIGGER gate.yaml
"""

from __future__ import annotations

import sys
from pathlib import Path

from agent.vision.program import VisionProgram
from agent.vision_main import run

BITE = 700 * 1024 * 1024


def plant(trigger: Path) -> None:
    """From now on every vision program of this process leaks."""
    turn, kept = VisionProgram._turn, list[bytes]()

    def hungry(self: VisionProgram) -> None:
        if trigger.exists():
            kept.append(b"x" * BITE)
        turn(self)

    VisionProgram._turn = hungry  # type: ignore[method-assign]


if __name__ == "__main__":
    plant(Path(sys.argv[1]))
    run(Path(sys.argv[2]))
