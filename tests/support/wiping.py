"""A gate that holds planted secrets, is told to wipe them, and dies at a chosen step of that.

``python -m tests.support.wiping FOLDER STEP`` lives one life: the wipe begins, and the process is
killed before its STEP-th word to the disk (whichever thread says it). With -1 nothing kills it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.core.clock import ManualClock
from agent.runtime.clock import SystemClock
from contract.words import Role
from tests.support.core import Person, Site
from tests.support.killing import count_words
from tests.support.residents import resident_json
from tests.support.samples import ADDRESS
from tests.support.signed import KEYS, TRUSTED, command, listed, template, to_bytes, watchlist

NAME, CODE, CASE = "陈小明", "48210937", "A-2026-0117-PLANTED"
WHO, NOTE = "李大山", "70551824"
ROW = b"".join(bytes([number, 7, 7, 0x3F]) for number in range(16))
PLANTED = [
    NAME.encode(),
    json.dumps(NAME).strip('"').encode(),
    CODE.encode(),
    CASE.encode(),
    WHO.encode(),
    NOTE.encode(),
    ROW,
    ROW[8:24],
    base64.b64encode(ROW),
    ROW.hex().encode(),
]
MORE = "faces: {enabled: true}\nanswering: {people: {guard-7: {}}}"
SET_ASIDE = (
    "watchlist.json.damaged", "outbox.unreadable", ".watchlist.json.4711.tmp", "strangers.json",
)  # fmt: skip


def site(folder: Path) -> Site:
    """A gate that trusts the station of the tests."""
    (folder / "trusted.json").write_bytes(TRUSTED.to_json())
    made = Site(folder)
    trusted = f"  pin_factory: mock\n  trusted_keys: {folder / 'trusted.json'}"
    made.changes = (
        ("  pin_factory: mock", trusted),
        ("schema: 1", f"schema: 1\n{MORE}"),
        ("name: {en: Guard desk, zh: 岗亭}", f"name: {{en: '{CODE}', zh: {NAME}}}"),
    )
    return made


def secret_entry(**fields: Any) -> dict[str, Any]:
    """An entry with everything that must not be read off a disk."""
    return listed(
        ManualClock(),
        category=NAME,
        case_reference=CASE,
        instruction={"en": CODE, "zh": NAME},
        photos=...,
        templates=[template("dlib", ROW)],
        **fields,
    )


def document(**fields: Any) -> str:
    """A signed list of it."""
    return base64.b64encode(watchlist(ManualClock(), [secret_entry()], **fields)).decode("ascii")


def raw(folder: Path) -> bytes:
    """Every byte of every file."""
    return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def orders(gate: Site) -> list[dict[str, Any]]:
    """The commands that a gate remembers."""
    path = gate.data / "commands.json"
    found: list[dict[str, Any]] = json.loads(path.read_bytes())["orders"] if path.exists() else []
    return found


def wipe(person: Person) -> None:
    """The station's command arrives."""
    ordered(person, 9, Role.WIPE, "wipe", {"confirm": "gate-1", "reason": "stolen"})


def ordered(
    person: Person,
    counter: int,
    role: Role,
    name: str,
    args: dict[str, Any],
    *,
    drill: bool = False,
) -> None:
    """A signed command arrives."""
    asked = {"name": name, "args": args, "counter": counter, "cmd_id": f"cmd-0000000{counter}"}
    payload = to_bytes(command(SystemClock(), key=KEYS[role], **asked))
    person.core._orders.gate.handle(name, payload, retained=False, drill=drill)


async def prepared(person: Person) -> set[str]:
    """A list stands, every store is sealed, and files were set aside; the alarms that wait."""
    await person.ask("watchlist.import", document=document())
    await person.press()
    await person.until(lambda s: s["outbox"]["pending"])
    await answered(person)
    begun = await person.ask("resident.begin")
    await person.ask("resident.enrol", resident=resident_json(begun, NAME, ROW))
    await person.until(lambda _: not person.core._stores.vault.keys.pending)
    for name in SET_ASIDE:
        (person.core._config.node.data_dir / name).write_bytes(b" ".join(PLANTED))
    return await person.waiting()


async def answered(person: Person) -> None:
    """The ways of answering keep whom they were told of: orders, a drill, who came, a code."""
    entry = secret_entry(entry_id="w-hot")
    track = {"entry": entry, "nodes": [ADDRESS.client_id], "by": WHO, "reason": WHO}
    ordered(person, 1, Role.WATCHLIST, "track.start", track)
    drill = {"drill_id": "d-1", "scenario": "medical", "by": WHO, "reason": WHO}
    ordered(person, 2, Role.DRILL, "drill.start", drill, drill=True)
    await person.until(lambda _: not open_orders_of(person))
    for item in (await person.ask("guard.list"))["items"]:
        said = {"answer": item["answers"][0], "about": item["id"], "who": WHO, "note": NOTE}
        await person.ask("guard.answer", **said)
    await person.ask("guard.enrol", person="guard-7", proof="code", shown=NOTE)


def kept(person: Person) -> str:
    """Every case of every way of answering, in words."""
    return repr([dict(way.cases) for way in person.core._answering.ways._kept])


def killed_at(step: int) -> Callable[[Person], Any]:
    """A life that wipes, and ends before that step."""

    async def story(person: Person) -> None:
        await person.until(lambda _: not person.core._stores.vault.keys.pending)
        count_words(step)
        wipe(person)
        await person.until(lambda _: not open_orders_of(person))

    return story


def open_orders_of(person: Person) -> bool:
    """True while a command is under way."""
    return bool(person.core._orders.gate._journal.open)


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError):
        site(Path(sys.argv[1])).live(killed_at(int(sys.argv[2])))
