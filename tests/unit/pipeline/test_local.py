"""The gate's own door for people at the gate: one line asks, one line answers."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.core.errors import CheckFailedError, ConfigError, UnreachableError
from agent.pipeline.local import MAX_CALLERS, LocalError, LocalServer, Operation, ask


async def slowly(request: Mapping[str, Any]) -> Mapping[str, Any]:
    await asyncio.sleep(0)
    return {"said": request["word"]}


def refuse(_: Mapping[str, Any]) -> Mapping[str, Any]:
    raise CheckFailedError("there is no input 'x'")


def misconfigured(_: Mapping[str, Any]) -> Mapping[str, Any]:
    raise ConfigError("bad")


def broken(_: Mapping[str, Any]) -> Mapping[str, Any]:
    raise ZeroDivisionError("oops")


OPERATIONS: dict[str, Operation] = {
    "echo": lambda request: {"said": request["word"]},
    "slowly": slowly,
    "refuse": refuse,
    "misconfigured": misconfigured,
    "broken": broken,
}


def served(path: Path, story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """What *story* gives while a server listens at *path*."""

    async def whole() -> Any:
        server = LocalServer(path, OPERATIONS)
        await server.open()
        try:
            return await story()
        finally:
            await server.close()

    return asyncio.run(whole())


def asked(path: Path, op: str, **arguments: Any) -> Any:
    """What a person's command is answered."""
    return served(path, lambda: asyncio.to_thread(ask, path, op, **arguments))


def raw(path: Path, line: bytes) -> dict[str, Any]:
    """What any other program is answered."""

    async def story() -> bytes:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line)
        writer.write_eof()
        answer = await reader.readline()
        writer.close()
        return answer

    value: dict[str, Any] = json.loads(served(path, story))
    return value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.mark.parametrize("op", ["echo", "slowly"])
def test_a_question_is_answered(path: Path, op: str) -> None:
    assert asked(path, op, word="门") == {"said": "门"}


def test_an_answer_may_be_large(path: Path) -> None:
    assert asked(path, "echo", word="x" * 1_000_000) == {"said": "x" * 1_000_000}


@pytest.mark.parametrize(
    ("op", "told", "exit_code"),
    [
        ("refuse", "there is no input 'x'", 1),
        ("misconfigured", "bad", 78),
        ("broken", "internal error: ZeroDivisionError", 70),
        ("dance", "does not know that request", 2),
    ],
)
def test_a_refusal_comes_with_its_reason_and_exit_code(
    path: Path, op: str, told: str, exit_code: int
) -> None:
    with pytest.raises(LocalError, match=told) as caught:
        asked(path, op)
    assert caught.value.exit_code == exit_code


GARBAGE = [b"\n", b"", b"{\n", b"[]\n", b"5\n", b'{"op": []}\n', b"\xff\n", b'{"op": "dance"}\n']
WORSE = [b"[" * 5_000 + b"\n", b'{"op":' * 5_000, b'{"op": "\\ud800"}\n', b"x" * 400_000]


@pytest.mark.parametrize("line", [*GARBAGE, *WORSE])
def test_garbage_is_answered_with_a_usage_error(path: Path, line: bytes) -> None:
    answer = raw(path, line)
    assert (answer["ok"], answer["exit_code"]) == (False, 2)


def test_whoever_says_nothing_is_hung_up_on_and_too_many_are_not_heard(path: Path) -> None:
    async def story() -> None:
        server = LocalServer(path, OPERATIONS, read_s=1.0)
        await server.open()
        silent = [await asyncio.open_unix_connection(path) for _ in range(MAX_CALLERS)]
        reader, writer = await asyncio.open_unix_connection(path)
        assert await reader.read() == b""
        assert [await reader.read() for reader, _ in silent] == [b""] * MAX_CALLERS
        assert await asyncio.to_thread(ask, path, "echo", word="x") == {"said": "x"}
        for _, closing in [*silent, (reader, writer)]:
            closing.close()
        await server.close()

    asyncio.run(story())


def test_a_server_goes_on_after_a_failure(path: Path) -> None:
    async def story() -> Any:
        for _ in range(3):
            with pytest.raises(LocalError):
                await asyncio.to_thread(ask, path, "broken")
        return await asyncio.to_thread(ask, path, "echo", word="still here")

    assert served(path, story) == {"said": "still here"}


def test_the_socket_is_private_and_gone_afterwards(path: Path) -> None:
    async def story() -> int:
        return stat.S_IMODE((await asyncio.to_thread(path.stat)).st_mode)

    assert served(path, story) == 0o660
    assert not path.exists()


def test_a_socket_left_by_a_dead_agent_is_replaced(path: Path) -> None:
    path.touch()
    assert asked(path, "echo", word="x") == {"said": "x"}


def test_where_nobody_answers_the_command_says_what_to_do(path: Path) -> None:
    with pytest.raises(UnreachableError, match="Is 'gatehouse run' running") as caught:
        ask(path, "status")
    assert caught.value.exit_code == 69


def test_an_agent_that_hangs_up_is_unreachable(path: Path) -> None:
    async def story() -> None:
        server = await asyncio.start_unix_server(lambda _, writer: writer.close(), path)
        async with server:
            with pytest.raises(UnreachableError):
                await asyncio.to_thread(ask, path, "status")

    asyncio.run(story())
