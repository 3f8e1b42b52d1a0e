"""Entry of the core program: reads the configuration, runs the core until told to stop.

A core that dies again and again at its start is started with less (``agent.runtime.crash_count``).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config.last_good import Opened, keep_steady, open_config, open_steady
from agent.config.reduced import reduced
from agent.config.schema.base import forget_reading
from agent.core.errors import AlreadyRunningError
from agent.core.memory import give_back_memory, share_one_heap
from agent.runtime.clock import SystemClock
from agent.runtime.crash_count import CrashCount, Level, Start
from agent.runtime.entry import enter
from agent.runtime.logs import set_up_logs
from agent.runtime.threads import in_daemon_thread
from agent.runtime.time_source import follow_time_source

if TYPE_CHECKING:
    from agent.app import Core

log = logging.getLogger(__name__)

BUSY_S = 10.0
_COUNT = "starts.json"


def run(config_path: Path) -> None:
    """Run one agent; returns after SIGTERM or SIGINT, raises GatehouseError when it cannot run."""
    share_one_heap()
    folder = os.environ.get("STATE_DIRECTORY")
    files = config_path, Path(folder) if folder else None
    opened = open_config(*files)
    log_config = opened.config.log
    set_up_logs(log_config.level, log_config.format, journal="JOURNAL_STREAM" in os.environ)
    clock = SystemClock()
    count = CrashCount(opened.config.node.data_dir / _COUNT, clock.boot_id)
    try:
        asyncio.run(_serve(opened, files, clock, count))
    except AlreadyRunningError:
        count.undo()
        raise
    except Exception as error:
        count.failed(error)
        raise
    count.proved()
    log.info("stopped")


async def _serve(
    opened: Opened, files: tuple[Path, Path | None], clock: SystemClock, count: CrashCount
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    start = count.begin(leave=stop.set)
    opened = _less(opened, files, start)
    log.info("configuration %s", opened.config.sha256)  # from now on nobody can dump it
    forget_reading()
    gc.collect()
    from agent.app import Core  # noqa: PLC0415 - it takes the place of what reading needed

    core = Core(opened.config, opened.problems, clock, start)
    await core.start()
    core.tasks.start("time-source", lambda: follow_time_source(clock))
    core.tasks.start("proof", lambda: _prove(core, opened, files, start, count))
    give_back_memory()
    core.tasks.fatal.add_done_callback(lambda _: stop.set())
    try:
        await stop.wait()
        if core.tasks.fatal.done():
            core.tasks.fatal.result()
    finally:
        await core.stop()


def _less(opened: Opened, files: tuple[Path, Path | None], start: Start) -> Opened:
    """What a start after crashes leaves out of the configuration."""
    if start.level is Level.NORMAL:
        return opened
    bare = start.level is Level.BARE
    if bare:
        opened = open_steady(*files) or opened
    config = reduced(opened.config, bare=bare, aside=start.outbox_in_memory)
    return Opened(config, opened.problems)


async def _prove(
    core: Core, opened: Opened, files: tuple[Path, Path | None], start: Start, count: CrashCount
) -> None:
    """Forget earlier crashes after a while; out of safe mode, where somebody starts us again."""
    await in_daemon_thread(count.born)
    await asyncio.sleep(opened.config.node.steady_s)
    if start.level is Level.NORMAL:
        await in_daemon_thread(count.proved)
        await in_daemon_thread(lambda: keep_steady(*files))
    elif "NOTIFY_SOCKET" in os.environ:
        while core.busy():  # noqa: ASYNC110 - asked now and then, not told
            await asyncio.sleep(BUSY_S)
        log.warning("safe mode has lasted; the next start is a normal one")
        start.leave()


if __name__ == "__main__":
    enter(run)
