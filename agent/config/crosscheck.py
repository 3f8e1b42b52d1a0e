"""What no single section can know: pins used twice, names that nothing bears, folders that clash.

Pure. Each check yields ``(path, message)``; the loader adds file, line and column.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain

from agent.config.answering_checks import answering_findings, named, sounding_of
from agent.config.calendar_checks import calendar_findings
from agent.config.problems import Finding
from agent.config.schema.devices import TamperLoop
from agent.config.schema.root import Config
from agent.config.schema.rules import (
    ButtonRule,
    CameraRule,
    CustomRule,
    DoorRule,
    PanicRule,
    Rule,
    WatchlistRule,
)
from agent.config.yaml12 import Path
from contract.words import Kind


def cross_check(config: Config) -> Iterator[Finding]:
    """Every finding across sections of *config*."""
    return chain(
        _pins(config),
        _doors(config),
        _rules(config),
        _conditions(config),
        _names(config),
        _sanity(config),
        answering_findings(config),
        calendar_findings(config),
    )


def _pins(config: Config) -> Iterator[Finding]:
    used: dict[int, str] = {}
    for path, pin in _pin_uses(config):
        where = ".".join(str(part) for part in path)
        if pin in used:
            yield path, f"pin {pin} is already used by {used[pin]}"
        else:
            used[pin] = where


def _pin_uses(config: Config) -> Iterator[tuple[Path, int]]:
    for name, item in config.inputs.items():
        if isinstance(item, TamperLoop):
            yield ("inputs", name, "cut_pin"), item.cut_pin
            yield ("inputs", name, "short_pin"), item.short_pin
        else:
            yield ("inputs", name, "pin"), item.pin
    for name, output in config.outputs.items():
        yield ("outputs", name, "pin"), output.pin


def _doors(config: Config) -> Iterator[Finding]:
    contacts = [n for n, i in config.inputs.items() if i.type == "door"]
    exits = [n for n, i in config.inputs.items() if i.type == "exit"]
    relays = [n for n, o in config.outputs.items() if o.type == "gate"]
    for name, door in config.access.doors.items():
        at: Path = ("access", "doors", name)
        yield from named(door.contact, contacts, (*at, "contact"), "door contact")
        if door.exit is not None:
            yield from named(door.exit, exits, (*at, "exit"), "exit button")
        if door.relay is not None:
            yield from named(door.relay, relays, (*at, "relay"), "gate relay")


def _rules(config: Config) -> Iterator[Finding]:
    sounding = sounding_of(config)
    seen: dict[str, int] = {}
    for index, rule in enumerate(config.rules):
        at: Path = ("rules", index)
        for spot, name in enumerate(rule.outputs):
            yield from named(name, sounding, (*at, "outputs", spot), "siren or beacon")
        yield from _rule_targets(config, rule, at)
        if rule.name in {*Kind, "custom"} and rule.name != rule.type:
            yield (*at, "name"), f"'{rule.name}' is a type of rule; choose another name"
        panic = isinstance(rule, PanicRule)
        label = rule.type if panic else rule.name or rule.type
        if label in seen:
            advice = "put all outputs into one" if panic else "give one another 'name'"
            yield (
                (*at, "name" if rule.name else "type"),
                f"rule '{label}' stands already at rules[{seen[label]}]; {advice}",
            )
        seen.setdefault(label, index)


def _rule_targets(config: Config, rule: Rule, at: Path) -> Iterator[Finding]:
    match rule:
        case ButtonRule():
            known = [n for n, i in config.inputs.items() if i.type == rule.type]
            targets, key, what = rule.devices, "devices", f"{rule.type} input"
        case DoorRule():
            known, targets, key, what = list(config.access.doors), rule.doors, "doors", "door"
        case WatchlistRule() | CameraRule():
            known, targets, key, what = list(config.cameras), rule.cameras, "cameras", "camera"
        case PanicRule() | _:
            return
    for spot, name in enumerate(targets):
        yield from named(name, known, (*at, key, spot), what)


def _conditions(config: Config) -> Iterator[Finding]:
    if any(isinstance(rule, CustomRule) for rule in config.rules):
        from agent.config.whencheck import when_rules  # noqa: PLC0415 - for such gates only

        yield from when_rules(config)


def _names(config: Config) -> Iterator[Finding]:
    taken: dict[str, str] = {}
    for section in ("inputs", "outputs", "cameras"):
        for name in getattr(config, section):
            if name in taken:
                yield (section, name), f"the name '{name}' is already used in {taken[name]}"
            else:
                taken[name] = section


def _sanity(config: Config) -> Iterator[Finding]:
    if len(os.fsencode(config.node.run_dir / "control.sock")) > 100:
        yield ("node", "run_dir"), "is too long for a Unix socket (at most 87 bytes)"
    if config.faces.enabled and not config.cameras:
        yield ("faces", "enabled"), "faces are switched on but there is no camera"
