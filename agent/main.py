"""Entry of the core program: reads the configuration, runs the core until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
from pathlib import Path

from agent.app import Core
from agent.config.last_good import Opened, open_config
from agent.core.memory import give_back_memory
from agent.runtime.clock import SystemClock
from agent.runtime.entry import enter
from agent.runtime.logs import set_up_logs
from agent.runtime.time_source import follow_time_source

log = logging.getLogger(__name__)


def run(config_path: Path) -> None:
    """Run one agent; returns after SIGTERM or SIGINT, raises GatehouseError when it cannot run."""
    folder = os.environ.get("STATE_DIRECTORY")
    opened = open_config(config_path, Path(folder) if folder else None)
    log_config = opened.config.log
    set_up_logs(log_config.level, log_config.format, journal="JOURNAL_STREAM" in os.environ)
    with contextlib.suppress(OSError, ValueError):  # systemd has done it and forbids it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asyncio.run(_serve(opened))


async def _serve(opened: Opened) -> None:
    clock = SystemClock()
    core = Core(opened.config, opened.problems, clock)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await core.start()
    core.tasks.start("time-source", lambda: follow_time_source(clock))
    give_back_memory()
    core.tasks.fatal.add_done_callback(lambda _: stop.set())
    try:
        await stop.wait()
        if core.tasks.fatal.done():
            core.tasks.fatal.result()
    finally:
        await core.stop()
    log.info("stopped")


if __name__ == "__main__":
    enter(run)
