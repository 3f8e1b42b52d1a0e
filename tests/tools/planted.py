"""The real core with a fault planted in it: what no file or device of a test can bring about.

``python -P -m tests.tools.planted FAULT gate.yaml`` runs the core with the fault of that name.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agent.core.events import InputChanged, InputState
from agent.files.atomic import AtomicJSONStorage
from agent.main import run
from agent.outbox.no_store import NoStore
from agent.outbox.writer import Writer
from agent.pipeline.command_journal import CommandJournal
from agent.runtime.entry import enter
from devices.contacts import Contacts
from rules.buttons import ButtonRule

BLOCKS_S = 30.0


def blocking_rule() -> None:
    """A rule blocks the loop for half a minute when the medical button is pressed."""
    hear = ButtonRule.on_event

    def blocking(rule: ButtonRule, event: Any) -> Any:
        if isinstance(event, InputChanged) and _pressed(event):
            time.sleep(BLOCKS_S)
        return hear(rule, event)

    _plant(ButtonRule, "on_event", blocking)


def _pressed(event: InputChanged) -> bool:
    return event.device == "medical-1" and event.state is InputState.PRESSED


def odd_file() -> None:
    """Reading the watchlist's file raises what nobody expects."""

    def odd(_: object) -> Any:
        raise RuntimeError("planted: an odd file")

    _plant(AtomicJSONStorage, "read", odd)


def deadly_outbox() -> None:
    """Opening the outbox on the disk kills the process, as a fault in a library does."""
    open_it = Writer.open

    def deadly(writer: Writer) -> Any:
        if not isinstance(writer._store, NoStore):
            os.kill(os.getpid(), signal.SIGKILL)
        return open_it(writer)

    _plant(Writer, "open", deadly)


def raising_device() -> None:
    """A tamper loop raises when the inputs are started."""
    start = Contacts.start

    def raising(contacts: Contacts) -> None:
        if any(item.type == "tamper" for item in contacts._inputs.values()):
            raise RuntimeError("planted: a device that raises")
        start(contacts)

    _plant(Contacts, "start", raising)


def odd_commands() -> None:
    """Reading the memory of commands raises what nobody expects, as long as there is one."""
    make = CommandJournal.__init__

    def odd(journal: CommandJournal, path: Path, *more: Any, **named: Any) -> None:
        if path.exists():
            raise RuntimeError("planted: an odd journal")
        make(journal, path, *more, **named)

    _plant(CommandJournal, "__init__", odd)


def _plant(owner: type, name: str, fault: object) -> None:
    setattr(owner, name, fault)


FAULTS: Mapping[str, Callable[[], None]] = {
    "blocking-rule": blocking_rule,
    "odd-file": odd_file,
    "deadly-outbox": deadly_outbox,
    "raising-device": raising_device,
    "odd-commands": odd_commands,
}


if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    enter(run)
