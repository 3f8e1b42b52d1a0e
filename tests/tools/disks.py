"""Disks that fail as disks do: an ext4 of its own that turns read-only, syncs that are refused.

The kernel makes no file system read-only while a file in it is open for writing, unless the file
system gives itself up (``errors=remount-ro``); then it stays so until it is checked and mounted
anew. That is what is done here.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.tools.program import Program, until

IMAGE_BYTES = 24 << 20
ATTACHED_S = 10.0
INJECTED = "(INJECTED)"


def run(*command: str | Path) -> str:
    """A command to its good end; what it said."""
    return subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True
    ).stdout.strip()


@contextmanager
def ext4(image: Path, *, new: bool = True, folder: Path | None = None) -> Iterator[Path]:
    """The file system in *image*, mounted at *folder*; skips the test where none can be."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    folder = folder or image.with_suffix(".mounted")
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        if new:
            with image.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, IMAGE_BYTES)
            run("mkfs.ext4", "-q", "-F", "-b", "4096", image)
        try:
            loop = run("losetup", "--show", "-f", image)
        except subprocess.CalledProcessError:
            pytest.skip("there are no loop devices")
        stack.callback(run, "losetup", "-d", loop)
        run("mount", "-o", "errors=remount-ro", loop, folder)
        stack.callback(run, "umount", "--lazy", folder)
        yield folder


@contextmanager
def turned_read_only(image: Path, folder: Path, stack: ExitStack) -> Iterator[None]:
    """The ext4 of *image* at *folder* meets an error and turns read-only under its users.

    Afterwards what is in it stands there again as a person puts it right: a copy, checked and
    mounted over it, until *stack* ends.
    """
    device = Path(run("findmnt", "-n", "-o", "SOURCE", folder)).name
    Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1", encoding="ascii")
    yield
    copy = image.with_suffix(".repaired")
    shutil.copyfile(image, copy)
    subprocess.run(["e2fsck", "-fy", copy], check=False, capture_output=True, timeout=60)
    stack.enter_context(ext4(copy, new=False, folder=folder))


@contextmanager
def failing_syncs(program: Program, trace: Path, first: int) -> Iterator[None]:
    """From its *first* one on every sync of every thread of the running *program* fails (EIO)."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    calls = ("-e", "trace=fsync,fdatasync", "-e", f"inject=fsync,fdatasync:error=EIO:when={first}+")
    pid = program.pid
    strace = Program(
        ["strace", "-f", "-qq", "-o", str(trace), *calls, "-p", str(pid)],
        trace.with_suffix(".log"),
    )
    strace.start()
    try:
        until(lambda: _all_traced(pid) or not strace.running, ATTACHED_S, lambda: strace.log)
        if not strace.running:
            pytest.skip(f"strace may not look at other processes here: {strace.log}")
        yield
    finally:
        if strace.running:
            strace.send(signal.SIGINT)
        strace.wait()


def _all_traced(pid: int) -> bool:
    tasks = Path(f"/proc/{pid}/task").glob("*/status")
    return all("TracerPid:\t0\n" not in task.read_text("utf-8") for task in tasks)
