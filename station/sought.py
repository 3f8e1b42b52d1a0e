"""Orders to follow or to search for somebody: one case file, signed for each gate that looks.

A case file is one entry as ``station sign`` takes it: YAML or JSON, photos by path. Each gate gets
a command of its own and answers for itself. Here: checking the case, and gathering the answers.
Not here: options and printing (``station.sought_cli``), signing and sending (``station.commands``).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from agent.core.clock import parse_utc
from agent.core.errors import CheckFailedError, UnreachableError
from contract.words import CommandName, ListName, Outcome
from station import commands, documents, keys, sign

LONGEST_SEARCH = timedelta(hours=72)
UNREACHABLE = "unreachable"
Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class Ordering:
    """To which gates, by whom and why."""

    gates: Sequence[str]
    by: str
    reason: str
    exercise: bool
    wait_s: float


def start(
    folder: Path,
    name: CommandName,
    file: Path,
    ordering: Ordering,
    *,
    silent: bool,
    lower_threshold: bool,
) -> list[Result]:
    """What each gate answered; CheckFailedError names what the case lacks, and nothing is sent."""
    entry = read_case(file, search=name is CommandName.SEARCH_START)
    station = keys.open_station(folder).id
    nodes = [documents.address_of(gate, station).client_id for gate in ordering.gates]
    args = {"entry": entry, "nodes": nodes, "by": ordering.by, "reason": ordering.reason}
    more = {"silent": silent, "lower_threshold": lower_threshold}
    return _send_all(folder, name, {**args, **more}, ordering)


def stop(
    folder: Path, name: CommandName, entry_id: str, ordering: Ordering, *, found: bool
) -> list[Result]:
    """What each gate answered: the proof that the face is deleted, or why not."""
    args = {"entry_id": entry_id, "by": ordering.by, "reason": ordering.reason, "found": found}
    return _send_all(folder, name, args, ordering)


def read_case(file: Path, *, search: bool) -> dict[str, Any]:
    """The one entry of a case file, photos read in; CheckFailedError names every problem."""
    entries = sign.read_entries(file)
    if len(entries) != 1 or not isinstance(entries[0], dict):
        raise CheckFailedError(f"{file} holds {len(entries)} entries; a case is one person")
    entry = entries[0]
    problems = search_problems(entry) if search else sign.entry_problems(entries, time.time_ns())
    if problems:
        raise CheckFailedError("\n".join(problems))
    return entry


def search_problems(entry: Mapping[str, Any]) -> list[str]:
    """What keeps an entry from being searched for as a missing person."""
    about = entry.get("entry_id")
    by_order = "authority" in entry and "case_reference" in entry
    if not entry.get("consent") and not by_order:
        return [f"{about}: needs 'consent', or 'authority' and 'case_reference'"]
    founded = {
        "legal_basis": "consent",
        "category": "missing person",
        "approvers": ["consent", "station"],
        "authority": "consent",
        "case_reference": entry.get("consent"),
    }
    rest = {k: v for k, v in entry.items() if k != "consent"}
    extra = sorted(set(rest) & {"legal_basis", "category", "approvers"})
    problems = [f"{about}: {name}: has no place in a search" for name in extra]
    problems += sign.entry_problems([{**founded, **rest}], time.time_ns())
    if entry.get("list") != ListName.MISSING:
        problems.append(f"{about}: list: is not 'missing'")
    if not problems and _span(entry) > LONGEST_SEARCH:
        problems.append(f"{about}: expires_at: is more than 72 h after not_before")
    return problems


def _span(entry: Mapping[str, Any]) -> timedelta:
    first, last = (parse_utc(str(entry[name])) for name in ("not_before", "expires_at"))
    return timedelta(microseconds=(last - first) / 1000)


def _send_all(
    folder: Path, name: CommandName, args: Mapping[str, Any], ordering: Ordering
) -> list[Result]:
    return commands.send_each(
        folder,
        ordering.gates,
        name,
        args,
        exercise=ordering.exercise,
        wait_s=ordering.wait_s,
        unreached=UNREACHABLE,
    )


def worst(results: Sequence[Mapping[str, object]]) -> int:
    """The exit code: 0 when every gate did it, 69 when one did not answer, else 1."""
    outcomes = {result["outcome"] for result in results}
    if outcomes == {Outcome.DONE}:
        return 0
    return UnreachableError.exit_code if UNREACHABLE in outcomes else CheckFailedError.exit_code
