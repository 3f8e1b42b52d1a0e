"""From the configuration to the rules that run.

A kind of rule that the file does not mention runs with its defaults; panic always runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from agent.config.schema import rules as schema
from agent.config.schema.profiles import DoorLimits
from agent.config.schema.root import Config
from contract.words import Kind, ListName, Severity, Urgency
from rules.base import Manner, Place, Rule
from rules.buttons import ButtonRule, TamperRule
from rules.door import DoorWatch
from rules.engine import Hears
from rules.supervision import DEVICE, SelfRule
from rules.watch import CameraRule, WatchlistRule
from rules.windows import Windows


@dataclass(frozen=True, slots=True)
class _Standard:
    severity: Severity
    urgency: Urgency
    cooldown_s: float = 60.0
    grace_s: float = 0.0


if TYPE_CHECKING:
    from rules.custom import CustomRule


_STANDARD: Mapping[Kind, _Standard] = {
    Kind.PANIC: _Standard(Severity.CRITICAL, Urgency.IMMEDIATE, cooldown_s=0.0),
    Kind.MEDICAL: _Standard(Severity.CRITICAL, Urgency.IMMEDIATE, cooldown_s=0.0),
    Kind.ASSIST: _Standard(Severity.MINOR, Urgency.EXPECTED, cooldown_s=0.0),
    Kind.TAMPER: _Standard(Severity.MAJOR, Urgency.IMMEDIATE),
    Kind.DOOR_FORCED: _Standard(Severity.MAJOR, Urgency.IMMEDIATE),
    Kind.DOOR_HELD: _Standard(Severity.MAJOR, Urgency.EXPECTED),
    Kind.WATCHLIST_FACE: _Standard(Severity.MAJOR, Urgency.EXPECTED, cooldown_s=300.0),
    Kind.CAMERA_LOST: _Standard(Severity.MINOR, Urgency.EXPECTED),
    Kind.CAMERA_BLIND: _Standard(Severity.MINOR, Urgency.EXPECTED),
    Kind.STORAGE_DEGRADED: _Standard(Severity.MAJOR, Urgency.EXPECTED),
    Kind.CLOCK_UNSYNCED: _Standard(Severity.WARNING, Urgency.FUTURE, grace_s=900.0),
    Kind.LINK_DEGRADED: _Standard(Severity.MINOR, Urgency.PAST, grace_s=90.0),
}
_CUSTOM = _Standard(Severity.MAJOR, Urgency.EXPECTED)


def build_rules(
    config: Config,
    list_of: Callable[[str, bool], ListName | None],
    profile: Callable[[], str | None] = lambda: None,
) -> list[Hears]:
    """The rules of *config*.

    *list_of* names the list of a valid watchlist entry, *profile* the one that holds now.
    """
    places = _places(config)
    by_kind: dict[Kind, list[schema.Rule]] = {kind: [] for kind in _STANDARD}
    for rule in config.rules:
        if not isinstance(rule, schema.CustomRule):
            by_kind[Kind(rule.type)].append(rule)
    for kind, given in by_kind.items():
        if not given:
            given.append(_default(kind))
    built: list[Hears] = []
    for given in by_kind.values():
        for rule in given:
            if isinstance(rule, schema.PanicRule) or rule.enabled:
                built += _build(rule, config, places, list_of)
    return [
        *built,
        *_doors(by_kind, config, places, profile),
        *_customs(config, places, list_of, profile),
    ]


def remembering(rules: Sequence[Hears]) -> list[CustomRule | DoorWatch]:
    """Those of *rules* whose memory goes over to the next life of the program."""
    each = [part for rule in rules for part in getattr(rule, "each", (rule,))]
    return [rule for rule in each if hasattr(rule, "recall_kept")]  # type: ignore[misc]


def _default(kind: Kind) -> schema.Rule:
    value: dict[str, Any] = {"type": kind.value}
    for model in (
        schema.PanicRule,
        schema.ButtonRule,
        schema.DoorRule,
        schema.WatchlistRule,
        schema.CameraRule,
        schema.SelfRule,
    ):
        if kind.value in model.model_fields["type"].annotation.__args__:  # type: ignore[union-attr]
            return model.model_construct(**value)
    raise ValueError(f"no rule of type {kind.value}")


def _places(config: Config) -> dict[str, Place]:
    node = Place(config.node.node, config.node.name)
    places = dict.fromkeys(DEVICE.values(), node)
    for name, item in {**config.inputs, **config.cameras}.items():
        places[name] = Place(item.where, item.name)
    return places


def _manner(rule: schema.Rule) -> Manner:
    custom = isinstance(rule, schema.CustomRule)
    kind = Kind(rule.alert if isinstance(rule, schema.CustomRule) else rule.type)
    standard = _STANDARD.get(kind, _CUSTOM)
    if isinstance(rule, schema.PanicRule):
        return Manner(
            kind.value, kind, standard.severity, standard.urgency, Windows(), tuple(rule.outputs)
        )
    cooldown_given = "cooldown_s" in rule.model_fields_set
    return Manner(
        name=rule.name or rule.type,
        kind=kind,
        severity=Severity(rule.severity) if rule.severity else standard.severity,
        urgency=standard.urgency,
        windows=Windows(rule.windows),
        outputs=tuple(rule.outputs),
        cooldown_s=rule.cooldown_s if custom or cooldown_given else standard.cooldown_s,
    )


def _build(
    rule: schema.Rule,
    config: Config,
    places: Mapping[str, Place],
    list_of: Callable[[str, bool], ListName | None],
) -> list[Hears]:
    manner = _manner(rule)
    if isinstance(rule, schema.WatchlistRule | schema.CameraRule):
        cameras = {name: places[name] for name in config.cameras}
        if isinstance(rule, schema.CameraRule):
            return [CameraRule(manner, cameras, chosen=rule.cameras)]
        return [WatchlistRule(manner, cameras, list_of=list_of, chosen=rule.cameras)]
    if isinstance(rule, schema.SelfRule):
        grace_s = _STANDARD[manner.kind].grace_s if rule.grace_s is None else rule.grace_s
        return [SelfRule(manner, places, grace_s=grace_s)]
    if isinstance(rule, schema.DoorRule | schema.CustomRule):
        return []
    chosen = () if isinstance(rule, schema.PanicRule) else rule.devices
    if manner.kind is Kind.TAMPER:
        lines = {name: places[name] for name in config.inputs}
        return [TamperRule(manner, lines, chosen=chosen)]
    of_kind = {n: places[n] for n, i in config.inputs.items() if i.type == rule.type}
    keys = [n for n, i in config.inputs.items() if i.type == "reset"]
    return [ButtonRule(manner, of_kind, chosen=chosen, reset_keys=keys)]


def _doors(
    by_kind: Mapping[Kind, Sequence[schema.Rule]],
    config: Config,
    places: Mapping[str, Place],
    profile: Callable[[], str | None],
) -> list[DoorWatch]:
    def limits_of(door: str) -> DoorLimits | None:
        standing = config.answering.profiles.get(profile() or "")
        return standing.doors.get(door) if standing else None

    watches = []
    for name, door in config.access.doors.items():
        place = places[door.contact]
        forced = _for_door(by_kind[Kind.DOOR_FORCED], name, place)
        held = _for_door(by_kind[Kind.DOOR_HELD], name, place)
        limits = partial(limits_of, name)
        watches.append(DoorWatch(name, door, place, forced, held, limits=limits))
    return watches


def _for_door(rules: Sequence[schema.Rule], door: str, place: Place) -> tuple[Rule, ...]:
    return tuple(
        Rule(_manner(rule), {door: place})
        for rule in rules
        if isinstance(rule, schema.DoorRule)
        and rule.enabled
        and (not rule.doors or door in rule.doors)
    )


def _customs(
    config: Config,
    places: Mapping[str, Place],
    list_of: Callable[[str, bool], ListName | None],
    profile: Callable[[], str | None],
) -> list[Hears]:
    given = [r for r in config.rules if isinstance(r, schema.CustomRule) and r.enabled]
    if not given:
        return []
    # Other gates have no memory to spare.
    from rules.chosen import ByProfile, limited  # noqa: PLC0415
    from rules.custom import build_custom  # noqa: PLC0415

    doors = {name: places[door.contact] for name, door in config.access.doors.items()}
    known = {**doors, config.node.node: Place(config.node.node, config.node.name), **places}

    def made(rule: schema.CustomRule, profile: str = "") -> CustomRule:
        return build_custom(rule, config, Rule(_manner(rule), known), list_of, profile)

    built: list[Hears] = []
    for rule in given:
        special = {
            name: made(
                rule.model_copy(update={"when": limited(rule.when, each.rules[rule.name])}), name
            )
            for name, each in config.answering.profiles.items()
            if rule.name in each.rules
        }
        built.append(ByProfile(made(rule), special, profile) if special else made(rule))
    return built
