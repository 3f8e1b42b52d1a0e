"""Known vulnerabilities of what the locks pin, asked of an advisory service with pip-audit.

``python -m supply.advisories LOCK...`` ends with 0 when every pin was asked about and none has a
known vulnerability, with 1 when one has, and with 69 when it is not known: the service cannot be
reached, or answers without knowing. pip-audit itself calls both of the last 'no known
vulnerabilities' where an index mirror has no advisories; so a package with a published one is asked
about first.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.utils import canonicalize_name

from agent.core.errors import CheckFailedError, GatehouseError, UnreachableError
from supply.lock import Pin, read_lock

SERVICES = ("pypi", "osv")
CONTROL = Pin("jinja2", "2.11.2", None, ())  # CVE-2020-28493
ANSWER_S = 15
RUN_S = 900.0
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Found:
    """An advisory that is about a pin."""

    pin: Pin
    id: str
    fixed_in: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        """One line."""
        fixed = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "no fix yet"
        return f"{self.pin.name} {self.pin.version}: {self.id} ({fixed}): {self.text[:_SHOWN]}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a service said. ``unknown`` are pins that it has nothing to say about, with why."""

    found: tuple[Found, ...]
    unknown: tuple[str, ...]


def audit(pins: Iterable[Pin], service: Sequence[str]) -> Report:
    """Ask about every pin, for whichever machine it is; UnreachableError when nobody knows."""
    if not _ask([CONTROL], service).found:
        raise UnreachableError(
            f"the advisory service answers, but knows of nothing against {CONTROL.name}"
            f" {CONTROL.version}, which has a published advisory: what it says means nothing"
        )
    reports = [_ask(some, service) for some in _rounds(pins)]
    return Report(
        tuple(found for report in reports for found in report.found),
        tuple(unknown for report in reports for unknown in report.unknown),
    )


def _rounds(pins: Iterable[Pin]) -> list[list[Pin]]:
    """The pins in lists that name a package once each: pip-audit takes no more."""
    rounds: list[dict[str, Pin]] = []
    for pin in {pin.key: pin for pin in pins}.values():
        free = next((one for one in rounds if pin.name not in one), None)
        if free is None:
            free = {}
            rounds.append(free)
        free[pin.name] = pin
    return [list(one.values()) for one in rounds]


def _ask(pins: list[Pin], service: Sequence[str]) -> Report:
    by_name = {pin.name: pin for pin in pins}
    found, unknown, asked = [], [], set()
    for row in _answers(pins, service):
        if "skip_reason" in row:
            unknown.append(str(row["skip_reason"]))
            continue
        pin = by_name[canonicalize_name(row["name"])]
        asked.add(pin.name)
        found += [
            Found(pin, one["id"], tuple(one["fix_versions"]), one["description"])
            for one in row["vulns"]
        ]
    missed = len(pins) - len(asked) - len(unknown)
    if missed:
        unknown.append(f"{missed} packages were not asked about")
    return Report(tuple(found), tuple(unknown))


def _answers(pins: list[Pin], service: Sequence[str]) -> list[dict[str, Any]]:
    """What pip-audit says of each; nothing comes from a cache."""
    with TemporaryDirectory() as folder:
        wanted = Path(folder) / "pins.txt"
        wanted.write_text("".join(f"{p.name}=={p.version}\n" for p in pins), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip",
                   "-r", str(wanted), "--format", "json", "--progress-spinner", "off",
                   "--timeout", str(ANSWER_S), "--cache-dir", f"{folder}/cache",
                   *service]  # fmt: skip
        try:
            said = subprocess.run(
                command, capture_output=True, text=True, timeout=RUN_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise UnreachableError(f"the advisory service is silent for {RUN_S:g} s") from error
    try:
        rows: list[dict[str, Any]] = json.loads(said.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError) as error:
        told = (said.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise UnreachableError(f"the advisory service cannot be asked: {told}") from error
    return rows


def main() -> int:
    """Ask, print, and give the exit code."""
    parser = argparse.ArgumentParser(prog="supply.advisories")
    parser.add_argument("locks", nargs="+", type=Path, metavar="LOCK")
    parser.add_argument("--service", choices=SERVICES, default=SERVICES[0])
    parser.add_argument("--osv-url", metavar="URL", help="OSV at another place, such as a mirror")
    options = parser.parse_args()
    service = ["--vulnerability-service", options.service]
    service += ["--osv-url", options.osv_url] if options.osv_url else []
    names = ", ".join(map(str, options.locks))
    try:
        pins = [pin for lock in options.locks for pin in read_lock(lock)]
        report = audit(pins, service)
    except GatehouseError as error:
        print(f"not audited: {names}: {error}", file=sys.stderr)
        return error.exit_code
    print("\n".join(map(str, report.found)) or "no vulnerability is known in what was audited")
    if report.unknown:
        told = "\n  ".join(report.unknown)
        print(f"not audited: {len(report.unknown)} of {names}:\n  {told}", file=sys.stderr)
    else:
        print(f"audited: {len({pin.key for pin in pins})} packages of {names}")
    if report.found:
        return CheckFailedError.exit_code
    return UnreachableError.exit_code if report.unknown else 0


if __name__ == "__main__":
    sys.exit(main())
