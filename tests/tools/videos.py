"""Short H.264 files for tests, made with ffmpeg where a test asks for them.

A scene is a picture with structure and sensor noise; what moves in it is a dark upright shape as
wide as a fifteenth of the picture. 25 frames a second, a key frame each second, as cameras send.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

FPS = 25
_SCENE = "testsrc2=size={size}:rate=1:duration=1"
_WALKER = "color=color=0x302018:size={width}x{height}:rate=25"
_ENCODE = (
    *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"),
    *("-crf", "24", "-g", "25", "-bf", "0"),
)


def missing() -> str:
    """Why no video can be made here; empty when it can."""
    return "" if shutil.which("ffmpeg") else "no ffmpeg: apt-get install ffmpeg"


class Videos:
    """Makes each file once, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def noisy(self, *, size: str = "640x360", seconds: float = 8, noise: int = 10) -> Path:
        """A scene in which nothing moves, with a sensor's noise."""
        filters = f"noise=alls={noise}:allf=t,format=yuv420p"
        return self._made(f"noisy-{size}-{seconds:g}-{noise}", size, seconds, filters)

    def still(self, *, size: str = "640x360", seconds: float = 8) -> Path:
        """The same picture over and over, without noise: a dead sensor."""
        return self._made(f"still-{size}-{seconds:g}", size, seconds, "format=yuv420p")

    def dark(self, *, size: str = "640x360", seconds: float = 8) -> Path:
        """A scene without light: noise at 2 % of the scale."""
        filters = "lutyuv=y=18:u=128:v=128,noise=alls=4:allf=t,format=yuv420p"
        return self._made(f"dark-{size}-{seconds:g}", size, seconds, filters)

    def walker(
        self, *, size: str = "640x360", seconds: float = 8, period_s: float = 4, noise: int = 10
    ) -> Path:
        """A shape that crosses the scene from left to right every *period_s* seconds."""
        width, height = (int(number) for number in size.split("x"))
        shape = _WALKER.format(width=width // 15 // 2 * 2, height=height // 2 // 2 * 2)
        walk = f"overlay=x='mod(t,{period_s:g})/{period_s:g}*W':y=H/3:shortest=0"
        filters = f"[0][1]{walk},noise=alls={noise}:allf=t,format=yuv420p"
        name = f"walker-{size}-{seconds:g}-{period_s:g}-{noise}"
        return self._made(name, size, seconds, filters, shape)

    def _made(self, name: str, size: str, seconds: float, filters: str, beside: str = "") -> Path:
        target = self._folder / f"{name}.mp4"
        if not target.exists():
            picture = self._picture(size)
            sources = ["-loop", "1", "-framerate", str(FPS), "-i", str(picture)]
            sources += ["-f", "lavfi", "-i", beside] if beside else []
            graph = ["-filter_complex", filters] if beside else ["-vf", filters]
            self._run([*sources, "-t", f"{seconds:g}", *graph, *_ENCODE, str(target)])
        return target

    def _picture(self, size: str) -> Path:
        picture = self._folder / f"scene-{size}.png"
        if not picture.exists():
            scene = _SCENE.format(size=size)
            self._run(["-f", "lavfi", "-i", scene, "-frames:v", "1", str(picture)])
        return picture

    def _run(self, arguments: list[str]) -> None:
        subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, timeout=300)


def annex_b(video: Path) -> bytes:
    """The bare H.264 stream of an MP4 file; such streams can be joined."""
    command = ["ffmpeg", "-v", "error", "-i", str(video), "-c", "copy"]
    command += ["-bsf:v", "h264_mp4toannexb", "-f", "h264", "-"]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
