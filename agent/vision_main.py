"""Entry of the vision program: cameras and faces, apart from the core and less important than it.

Composition root of ``agent.vision``. It holds no key of the vault, no outbox and no watchlist:
only templates that the core gives it, and the seed under which they are, in memory.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import time
from pathlib import Path

import numpy as np

from agent.config.last_good import open_config
from agent.config.schema.root import Config
from agent.core.backoff import Backoff, BackoffPolicy
from agent.core.errors import PackError
from agent.core.ids import CameraName
from agent.core.memory import wipe_what_is_freed
from agent.runtime.entry import enter
from agent.runtime.logs import set_up_logs
from agent.runtime.sdnotify import Notifier
from agent.vision.client import CoreClient
from agent.vision.evidence import Pictures
from agent.vision.faces import FaceWork
from agent.vision.program import VisionProgram, hello
from devices.camera import Camera
from models.engine import open_engine

log = logging.getLogger(__name__)

NICE = 10


def run(config_path: Path) -> None:
    """Run the vision program; returns after SIGTERM or SIGINT."""
    folder = os.environ.get("STATE_DIRECTORY")
    config = open_config(config_path, Path(folder) if folder else None).config
    set_up_logs(config.log.level, config.log.format, journal="JOURNAL_STREAM" in os.environ)
    wipe_what_is_freed()
    with contextlib.suppress(OSError):
        os.nice(NICE)
    faces, fault = _open_faces(config)
    client = CoreClient(
        config.node.run_dir / "vision.sock",
        Backoff(BackoffPolicy(first_s=0.5, max_s=5.0), random.random),
        time.monotonic,
        lambda: hello(faces, fault),
    )
    cameras = {
        name: Camera(
            CameraName(name), camera, monotonic_ns=time.monotonic_ns, uniform=random.random
        )
        for name, camera in config.cameras.items()
    }
    program = VisionProgram(cameras, faces, client, Notifier(), time.monotonic_ns)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: program.stop())
    program.run()
    log.info("stopped")


def _open_faces(config: Config) -> tuple[FaceWork | None, str]:
    """Face work, or why there is none; a pack that cannot be used does not stop the cameras."""
    if not config.faces.enabled or config.privacy.face_off:
        return None, ""
    try:
        faces = config.faces
        engine = open_engine(config.models, faces.pack, faces.detector, faces.liveness)
        pictures = Pictures(config.evidence, time.time_ns)
        return FaceWork(engine, faces, np.random.default_rng().standard_normal, pictures), ""
    except PackError as error:
        log.error("no face work: %s", error)  # noqa: TRY400 - an expected failure
        return None, str(error)


if __name__ == "__main__":
    enter(run)
