"""A real RTSP camera for tests: GStreamer serving a file, behind a proxy that makes the faults.

with RtspCamera(video, user="admin", password="secret") as camera:
    open_it(camera.url)
    camera.mode("hold")
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

SYSTEM_PYTHON = "/usr/bin/python3"
STOPPED_S = 5.0
_PROBE = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import "
Mode = Literal["pass", "hold", "close", "silent", "garbage", "refuse"]


def missing() -> str:
    """Why there can be no RTSP server here; empty when there can."""
    try:
        probe = [SYSTEM_PYTHON, "-c", f"{_PROBE}GstRtspServer"]
        subprocess.run(probe, check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return "no GStreamer RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi"
    return ""


class RtspCamera:
    """One camera. A context manager that starts it and always ends it."""

    def __init__(self, video: Path, *, user: str = "", password: str = "") -> None:
        self._config = {"file": str(video), "user": user, "password": password}
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        script = str(Path(__file__).with_name("rtsp_server.py"))
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.port = int(json.loads(self._ask(json.dumps(self._config)))["port"])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate(timeout=STOPPED_S)

    @property
    def url(self) -> str:
        """Without the login."""
        return f"rtsp://127.0.0.1:{self.port}/cam"

    def mode(self, mode: Mode) -> None:
        """Behave like that; returns when it does."""
        answer = self._ask(mode)
        if answer != mode:
            raise RuntimeError(f"the RTSP camera answered {answer!r} to {mode!r}")

    def _ask(self, line: str) -> str:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the RTSP camera does not run")
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = process.stdout.readline().strip()
        if not answer:
            raise RuntimeError("the RTSP camera ended")
        return answer
