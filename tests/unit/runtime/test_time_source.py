"""Who knows whether the clock is right where we may not ask the kernel."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.runtime.clock import SystemClock
from agent.runtime.time_source import ask_systemd


def says(folder: Path, script: str) -> None:
    """A timedatectl that does this."""
    program = folder / "timedatectl"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "stamped", "synced"),
    [
        ("echo yes", False, True),
        ("echo no", True, False),
        ("echo yes; exit 1", False, False),
        ("exit 1", True, True),
        (None, True, True),
        (None, False, False),
    ],
)
def test_timedatectl_is_believed_and_without_it_the_stamp(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str | None,
    stamped: bool,
    synced: bool,
) -> None:
    programs, stamp = tmp_path / "programs", tmp_path / "synchronized"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    if script is not None:
        says(programs, script)
    if stamped:
        stamp.touch()
    assert asyncio.run(ask_systemd(stamp)) is synced


def test_what_is_told_counts_only_where_the_kernel_may_not_be_asked() -> None:
    clock = SystemClock()
    itself = clock.synced()
    clock.tell(synced=not itself)
    assert clock.synced() is itself
    clock.refused = True
    assert clock.synced() is not itself
