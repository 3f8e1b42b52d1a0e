"""How a station command meets its terminal: lines that cannot fail, signals, exit codes."""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import typer

from agent.core.clock import format_utc
from agent.core.errors import GatehouseError
from contract.words import Outcome

P = ParamSpec("P")
R = TypeVar("R")
_WRITING = threading.Lock()


def exits(command: Callable[P, R]) -> Callable[P, R]:
    """Turn failures into exit codes: expected ones with a sentence, else a traceback and 70."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except GatehouseError as error:
            if kwargs.get("as_json"):
                write_json({"error": str(error), "exit_code": error.exit_code})
            _print_red(str(error))
            raise typer.Exit(error.exit_code) from error
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            traceback.print_exc()
            raise typer.Exit(GatehouseError.exit_code) from error

    return wrapped


def _print_red(text: str) -> None:
    from rich.console import Console  # noqa: PLC0415 - rich is not for programs that run for long
    from rich.text import Text  # noqa: PLC0415 - the same

    Console(stderr=True, soft_wrap=True).print(Text(text, style="red"))


def write_line(text: str) -> None:
    """A line on standard output, at once, from any thread.

    A reader that went away is no reason to stop.
    """
    try:
        with _WRITING:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_json(value: Mapping[str, object]) -> None:
    """A line of JSON on standard output."""
    write_line(json.dumps(value, ensure_ascii=False))


def answer_lines(answer: Mapping[str, object]) -> list[str]:
    """What a gate made of a command, for people: its outcome, why, and the proof."""
    reason = f": {answer['reason']}" if answer["reason"] else ""
    proof = answer["proof"]
    proven = proof.items() if isinstance(proof, dict) else ()
    head = f"{answer['gate']} {answer['name']}: {answer['outcome']}{reason}"
    return [head, *(f"  {name}: {value}" for name, value in proven)]


def show_answer(answer: Mapping[str, object], *, as_json: bool) -> None:
    """Print what a gate made of a command; the exit code is 1 unless it was done."""
    if as_json:
        write_json(answer)
    else:
        write_line("\n".join(answer_lines(answer)))
    if answer["outcome"] != Outcome.DONE:
        raise typer.Exit(1)


def teller(*, as_json: bool) -> Callable[[str, dict[str, object]], None]:
    """Says what the serving program does, a line each."""

    def tell(event: str, about: dict[str, object]) -> None:
        at = format_utc(time.time_ns())
        if as_json:
            write_json({"event": event, "at": at, **about})
            return
        text = ", ".join(f"{name} {value}" for name, value in about.items() if value != "")
        write_line(f"{at} {event}{': ' if text else ''}{text}")

    return tell


class Stop:
    """SIGTERM and SIGINT ask to end; sleeping ends within a tenth of a second then."""

    def __init__(self) -> None:
        self._asked = False
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)

    def asked(self) -> bool:
        """True after a signal."""
        return self._asked

    def sleep(self, seconds: float) -> None:
        """Sleep, but not past a signal."""
        until = time.monotonic() + seconds
        while not self._asked and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def _ask(self, _number: int, _frame: Any) -> None:
        self._asked = True
