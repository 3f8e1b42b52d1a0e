"""Whether the clock is disciplined, asked of systemd where adjtimex(2) is refused to us.

The core's unit forbids every call that could set the clock, and adjtimex asks and sets in one. A
gate under systemd therefore asks ``timedatectl`` now and then, never on the way of an alarm.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from pathlib import Path

from agent.runtime.clock import SystemClock

log = logging.getLogger(__name__)

ASK_EVERY_S = 60.0
ANSWER_S = 10.0
_COMMAND = ("timedatectl", "show", "--property=NTPSynchronized", "--value")
_STAMP = Path("/run/systemd/timesync/synchronized")


async def follow_time_source(clock: SystemClock) -> None:
    """Tell *clock* what systemd says, for ever; nothing where the clock may be asked itself."""
    while True:
        clock.synced()
        if clock.refused:
            clock.tell(synced=await ask_systemd())
        await asyncio.sleep(ASK_EVERY_S)


async def ask_systemd(stamp: Path = _STAMP) -> bool:
    """True when the clock is synchronised.

    timedatectl's word; without one, whether timesyncd has left its *stamp*.
    """
    said = await _ask_timedatectl()
    return os.path.exists(stamp) if said is None else said == b"yes"  # noqa: ASYNC240, PTH110 - /run


async def _ask_timedatectl() -> bytes | None:
    try:
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(ANSWER_S):
            said, _ = await process.communicate()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        log.warning("timedatectl does not answer")
        return None
    return said.strip() if process.returncode == 0 else None
