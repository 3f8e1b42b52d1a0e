"""``announce``: a text said at the gate by the program that the site's file names.

The program is started without a shell, gets the text on its standard input and the language in its
environment, and has a bounded time. One at a time. Here: the deed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from contextlib import suppress

from pydantic import ValidationError

from agent.border.inbound import first_fault
from agent.border.orders import AnnounceArgs
from agent.config.schema.answering import AnnounceConfig
from agent.core.commands import Command, Ending, Finish, Plan
from agent.core.errors import RefusedError
from contract.words import Outcome, Refusal

log = logging.getLogger(__name__)

LANGUAGE = "GATEHOUSE_LANGUAGE"
LONGEST_COMPLAINT = 200
LONGEST_OUTPUT = 64 * 1024
LAST_WORDS_S = 2.0


class Speaker:
    """Says texts. Runs on the loop; nothing waits for it."""

    in_drills = False

    def __init__(self, config: AnnounceConfig) -> None:
        self._config = config
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    def plan(self, command: Command) -> Plan:
        """A text that can be said now."""
        try:
            args = AnnounceArgs.model_validate(dict(command.args))
        except ValidationError as error:
            raise RefusedError(Refusal.MALFORMED, f"args: {first_fault(error)}") from error
        if not self._config.argv:
            detail = "this gate has no speaker (answering.announce.argv)"
            raise RefusedError(Refusal.UNSUPPORTED, detail)
        if self._task is not None:
            raise RefusedError(Refusal.BUSY, "the speaker is still saying something else")
        return {"text": args.text, "lang": args.lang}

    def do(self, _: Command, plan: Plan, finish: Finish) -> None:
        """Say it; *finish* hears how the program ended."""
        self._task = asyncio.get_running_loop().create_task(self._say(plan, finish))

    def recall(self, _: Plan, finish: Finish) -> None:
        """It may have been said, wholly or in part."""
        finish(Ending(Outcome.UNKNOWN, "the agent ended while it was said"))

    def close(self) -> None:
        """Say no more."""
        if self._task is not None:
            self._task.cancel()
        if self._process is not None and self._process.returncode is None:
            _kill(self._process)

    async def _say(self, plan: Plan, finish: Finish) -> None:
        try:
            finish(await self._run(plan["text"], plan["lang"]))
        except OSError as error:
            finish(Ending(Outcome.FAILED, f"{self._config.argv[0]}: {error.strerror or error}"))
        except Exception as error:
            log.exception("the announcement failed")
            finish(Ending(Outcome.FAILED, f"{type(error).__name__}: {error}"))
        finally:
            self._task = None

    async def _run(self, text: str, lang: str) -> Ending:
        began = time.monotonic()
        process = self._process = await asyncio.create_subprocess_exec(
            *self._config.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", LANGUAGE: lang},
            start_new_session=True,
            limit=LONGEST_OUTPUT,
        )
        try:
            async with asyncio.timeout(self._config.timeout_s):
                complaint = await _hear(process, text)
        except TimeoutError:
            _kill(process)
            await _gone(process)
            return Ending(
                Outcome.FAILED,
                f"the speaker did not end within {self._config.timeout_s:g} s and was ended",
                {"exit_code": None, "seconds": self._config.timeout_s},
            )
        finally:
            self._process = None
        seconds = round(time.monotonic() - began, 2)
        proof = {"exit_code": process.returncode, "seconds": seconds}
        if process.returncode:
            reason = f"the speaker ended with {process.returncode}"
            return Ending(Outcome.FAILED, f"{reason}: {complaint}" if complaint else reason, proof)
        return Ending(Outcome.DONE, "", proof)


def _kill(process: asyncio.subprocess.Process) -> None:
    """End the program and everything that it started; something of it must be there still."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _gone(process: asyncio.subprocess.Process) -> None:
    """Wait until a killed one is gone and its pipe is empty; what hides from us is not awaited."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS_S):
            while process.stderr is not None and await process.stderr.read(4096):
                pass
            await process.wait()


async def _hear(process: asyncio.subprocess.Process, text: str) -> str:
    """Give it the text and wait for its end; the beginning of what it complained of."""
    said, complaints = process.stdin, process.stderr
    if said is None or complaints is None:
        raise OSError("its pipes are missing")
    with suppress(BrokenPipeError, ConnectionResetError):
        said.write(text.encode())
        await said.drain()
    said.close()
    first = b""
    while part := await complaints.read(4096):
        first = (first + part)[:LONGEST_COMPLAINT]
    await process.wait()
    return first.decode("utf-8", "replace").strip()
