"""A disk to measure on: what reaches it is counted, what was read is forgotten."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

DISK_BYTES = 512 << 20


class Device:
    """A place to write to, and how much was written there."""

    def __init__(self, folder: Path, loop: str | None) -> None:
        self.folder = folder
        self._loop = loop

    def written(self) -> int:
        """Bytes so far, everything synced."""
        run("sync", "-f", str(self.folder))
        if self._loop is None:
            return int(psutil.Process().io_counters().write_bytes)
        stat = Path(f"/sys/block/{self._loop}/stat").read_text(encoding="ascii")
        return int(stat.split()[6]) * 512


@contextmanager
def device(work: str) -> Iterator[Device]:
    """An ext4 of its own where that can be had; otherwise *work* itself."""
    if os.geteuid() != 0:
        yield Device(Path(work), None)
        return
    image, folder = Path(work, "image"), Path(work, "mounted")
    folder.mkdir()
    with image.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, DISK_BYTES)
    run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0", str(image))
    loop = run("losetup", "--show", "-f", str(image))
    try:
        run("mount", loop, str(folder))
        try:
            yield Device(folder, Path(loop).name)
        finally:
            run("umount", str(folder))
    finally:
        run("losetup", "-d", loop)
        image.unlink()


def forget(file: Path) -> None:
    """Have the system read the file from the device again."""
    descriptor = os.open(file, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def run(*command: str) -> str:
    """What *command* prints; it has to succeed."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()
