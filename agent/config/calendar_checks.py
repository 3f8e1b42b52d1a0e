"""What profiles and the calendar cannot know of themselves: names, times that have two, and holes.

Pure, as ``agent.config.crosscheck``, which calls it. A hole is no fault: the strictest profile
holds then (``agent.incidents.profiles``); whoever installs a gate is told of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.config.answering_checks import named
from agent.config.problems import Finding
from agent.config.schema.profiles import Profile
from agent.config.schema.root import Config
from agent.config.schema.rules import DAYS, CustomRule, Window
from agent.config.schema.when import FORMS
from agent.config.yaml12 import Path

DAY_MIN, WEEK_MIN = 1440, 7 * 1440
SHOWN = 3


def calendar_findings(config: Config) -> Iterator[Finding]:
    """Every finding about profiles and when they hold."""
    yield from _calendar(config)
    for name, profile in config.answering.profiles.items():
        yield from _limits(config, profile, ("answering", "profiles", name))


def calendar_remarks(config: Config) -> Iterator[str]:
    """What is no fault and still to be known: times of the week for which nothing is said."""
    profiles = config.answering.profiles
    holes = _holes(config)
    if not profiles or not holes:
        return
    strictest = max(profiles, key=lambda name: profiles[name].rank)
    told = "; ".join(f"{_day(first)} to {_day(end)}" for first, end in holes[:SHOWN])
    more = f" and {len(holes) - SHOWN} more" if len(holes) > SHOWN else ""
    if holes == [(0, WEEK_MIN)]:
        told = "the whole week"
    yield (
        f"answering.calendar.weekly: says nothing for {told}{more}; "
        f"the strictest profile, '{strictest}', holds then"
    )


def _holes(config: Config) -> list[tuple[int, int]]:
    """First and end minute of what no window covers; one over the week's end is one."""
    covered = {m for window in config.answering.calendar.weekly for m in minutes_of(window)}
    free = [minute for minute in range(WEEK_MIN) if minute not in covered]
    holes: list[tuple[int, int]] = []
    for minute in free:
        if holes and holes[-1][1] == minute:
            holes[-1] = holes[-1][0], minute + 1
        else:
            holes.append((minute, minute + 1))
    if len(holes) > 1 and holes[0][0] == 0 and holes[-1][1] == WEEK_MIN:
        (_, end), (first, _) = holes[0], holes.pop()
        holes[0] = first, end
    return holes


def _limits(config: Config, profile: Profile, at: Path) -> Iterator[Finding]:
    for door in profile.doors:
        yield from named(door, config.access.doors, (*at, "doors", door), "door")
    own = {rule.name: rule for rule in config.rules if isinstance(rule, CustomRule)}
    for name, limits in profile.rules.items():
        yield from named(name, own, (*at, "rules", name), "custom rule")
        if name not in own:
            continue
        operator = own[name].when.operator
        for limit in limits.given:
            if limit not in FORMS[operator][0]:
                text = f"the condition of '{name}' is '{operator}', which has no '{limit}'"
                yield (*at, "rules", name, limit), text


def _calendar(config: Config) -> Iterator[Finding]:
    """Profiles that are not there, and times that have two."""
    profiles, calendar = config.answering.profiles, config.answering.calendar
    weekly: Path = ("answering", "calendar", "weekly")
    dates: Path = ("answering", "calendar", "dates")
    used = [((*weekly, n), window.profile) for n, window in enumerate(calendar.weekly)]
    used += [((*dates, n), days.profile) for n, days in enumerate(calendar.dates)]
    for at, name in used:
        yield from named(name, profiles, (*at, "profile"), "profile")
    taken: dict[int, int] = {}
    for spot, window in enumerate(calendar.weekly):
        minutes = set(minutes_of(window))
        both = [m for m in minutes if taken.get(m, spot) != spot]
        if both:
            other = taken[min(both)]
            yield (*weekly, spot), f"covers {_day(min(both))}, which weekly[{other}] covers too"
        taken |= dict.fromkeys(minutes - set(taken), spot)
    for spot, days in enumerate(calendar.dates):
        for other, before in enumerate(calendar.dates[:spot]):
            if days.first <= before.last and before.first <= days.last:
                first = max(days.first, before.first)
                yield (*dates, spot), f"covers {first}, which dates[{other}] covers too"


def minutes_of(window: Window) -> Iterator[int]:
    """Which minutes of a week, from Monday 00:00, a window covers."""
    start, end = (int(t[:2]) * 60 + int(t[3:]) for t in (window.start, window.end))
    length = (end - start) % DAY_MIN or DAY_MIN
    for day in window.days:
        first = DAYS.index(day) * DAY_MIN + start
        yield from (minute % WEEK_MIN for minute in range(first, first + length))


def _day(minute: int) -> str:
    day, rest = divmod(minute % WEEK_MIN, DAY_MIN)
    return f"{DAYS[day]} {rest // 60:02}:{rest % 60:02}"
