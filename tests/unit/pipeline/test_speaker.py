"""``announce``: a real program says it, one at a time, within its time."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.config.schema.answering import AnnounceConfig
from agent.core.commands import Command, Ending
from agent.core.errors import RefusedError
from agent.pipeline.speaker import Speaker
from contract.words import CommandName, Outcome, Refusal

WRITES = """
import os, pathlib, sys
text = sys.stdin.read() + "|" + os.environ["GATEHOUSE_LANGUAGE"]
pathlib.Path(sys.argv[1]).write_text(text, "utf-8")
"""
FAILS = "import sys; sys.stdin.read(); print('no sound card', file=sys.stderr); sys.exit(3)"
DEAF = "import os; os.close(0); print('never reads')"
FLOODS = "import sys; sys.stderr.write('x' * 1_000_000); sys.exit(1)"
HANGS = (
    "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
)
LEAVES_ONE = "import subprocess; subprocess.Popen(['sleep', '60'])"


def speaker(code: str, *arguments: str, timeout_s: float = 20.0) -> Speaker:
    argv = [sys.executable, "-c", code, *arguments] if code else []
    return Speaker(AnnounceConfig(argv=argv, timeout_s=timeout_s))


def asked(**args: Any) -> Command:
    given = {"text": "请注意", "lang": "zh"} | args
    return Command("cmd-00000001", CommandName.ANNOUNCE, "cancheng", given)


def ended(
    made: Speaker, command: Command, meanwhile: Callable[[], object] = lambda: None
) -> Ending:
    """How the announcement ended; *meanwhile* happens once it has begun."""

    async def whole() -> Ending:
        heard: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        made.do(command, made.plan(command), heard.set_result)
        meanwhile()
        return await heard

    return asyncio.run(whole())


def test_the_program_gets_text_and_language_and_its_exit_code_is_proof(tmp_path: Path) -> None:
    said = tmp_path / "said"
    ending = ended(speaker(WRITES, str(said)), asked())
    assert ending.outcome is Outcome.DONE
    assert ending.proof is not None
    assert ending.proof["exit_code"] == 0
    assert said.read_text("utf-8") == "请注意|zh"


@pytest.mark.parametrize(
    ("code", "reason"),
    [(FAILS, "the speaker ended with 3: no sound card"), (FLOODS, "the speaker ended with 1: xxx")],
)
def test_a_program_that_fails_is_told(code: str, reason: str) -> None:
    ending = ended(speaker(code), asked())
    assert ending.outcome is Outcome.FAILED
    assert ending.reason.startswith(reason)


def test_a_program_that_does_not_read_does_no_harm() -> None:
    assert ended(speaker(DEAF), asked(text="x" * 500)).outcome is Outcome.DONE


@pytest.mark.parametrize("code", [HANGS, LEAVES_ONE])
def test_what_does_not_end_is_ended_with_all_it_started(code: str) -> None:
    began = time.monotonic()
    ending = ended(speaker(code, timeout_s=1.0), asked())
    assert ending.outcome is Outcome.FAILED
    assert "did not end within 1 s" in ending.reason
    assert time.monotonic() - began < 30


def test_a_program_that_is_not_there() -> None:
    made = Speaker(AnnounceConfig(argv=["/nowhere/speak"]))
    ending = ended(made, asked())
    assert (ending.outcome, "/nowhere/speak" in ending.reason) == (Outcome.FAILED, True)


def test_one_at_a_time(tmp_path: Path) -> None:
    made = speaker(WRITES, str(tmp_path / "said"))

    def second() -> None:
        with pytest.raises(RefusedError) as caught:
            made.plan(asked())
        assert caught.value.reason == Refusal.BUSY

    assert ended(made, asked(), second).outcome is Outcome.DONE
    assert made.plan(asked()) == {"text": "请注意", "lang": "zh"}


def test_without_a_speaker() -> None:
    with pytest.raises(RefusedError) as caught:
        speaker("").plan(asked())
    assert caught.value.reason == Refusal.UNSUPPORTED


@pytest.mark.parametrize("args", [{"text": ""}, {"text": "x" * 501}, {"lang": "fr"}, {"loud": 9}])
def test_arguments_that_are_none(args: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        speaker(FAILS).plan(asked(**args))
    assert caught.value.reason == Refusal.MALFORMED


def test_after_a_crash_nobody_knows() -> None:
    endings: list[Ending] = []
    speaker(FAILS).recall({}, endings.append)
    assert endings[0].outcome is Outcome.UNKNOWN


def test_the_program_is_named_by_its_whole_path() -> None:
    with pytest.raises(ValueError, match="absolute path"):
        AnnounceConfig(argv=["espeak-ng"])
