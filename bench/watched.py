"""The vision program with a stop-watch: when each frame was taken, and when its faces were done.

``python -m bench.watched RESULT FILE``: as ``gatehouse vision --config FILE``; at its end RESULT
holds every frame that was looked at and every gallery that was put in place. Calls are timed;
nothing of the program is replaced.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.runtime.entry import enter
from agent.vision import faces
from agent.vision_main import run


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame that the program looked at; times in ns of the monotonic clock."""

    camera: str
    taken_ns: int
    begun_ns: int
    done_ns: int
    found: int
    embedded: int
    sightings: int

    @property
    def latency_ms(self) -> float:
        """From the camera's picture to the verdict on it."""
        return (self.done_ns - self.taken_ns) / 1e6


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watched program wrote: frames in order, and when each gallery was in use."""

    frames: tuple[Seen, ...]
    galleries_ns: tuple[int, ...]


def read(path: Path) -> Watched:
    """A finished program's result."""
    body = json.loads(path.read_text("utf-8"))
    return Watched(tuple(Seen(**one) for one in body["frames"]), tuple(body["galleries_ns"]))


def watch(seen: list[dict[str, Any]], galleries_ns: list[int]) -> None:
    """Have every look of the face work written down in *seen*."""
    counts = {"found": 0, "embedded": 0}
    module: Any = faces
    look, search = module.FaceWork.look, module.FaceWork.search
    follow, probe = module.Tracker.update, module.probe_of

    def looked(self: Any, frame: Any) -> Any:
        counts.update(found=0, embedded=0)
        begun_ns = time.monotonic_ns()
        answer = look(self, frame)
        seen.append(
            {
                "camera": frame.camera,
                "taken_ns": frame.monotonic_ns,
                "begun_ns": begun_ns,
                "done_ns": time.monotonic_ns(),
                "sightings": len(answer[0]),
                **counts,
            }
        )
        return answer

    def followed(self: Any, boxes: Any, now_ns: int) -> Any:
        counts["found"] += len(boxes)
        return follow(self, boxes, now_ns)

    def probed(*arguments: Any) -> Any:
        counts["embedded"] += 1
        return probe(*arguments)

    def searched(self: Any, *arguments: Any) -> None:
        search(self, *arguments)
        galleries_ns.append(time.monotonic_ns())

    module.FaceWork.search = searched
    module.FaceWork.look = looked
    module.Tracker.update = followed
    module.probe_of = probed


def main(config_path: Path) -> None:
    """Run until stopped, then write."""
    seen: list[dict[str, Any]] = []
    galleries_ns: list[int] = []
    watch(seen, galleries_ns)
    try:
        run(config_path)
    finally:
        _result.write_text(json.dumps({"frames": seen, "galleries_ns": galleries_ns}), "utf-8")


if __name__ == "__main__":
    _result = Path(sys.argv.pop(1))
    enter(main)
