"""What section ``answering`` cannot know of itself: outputs that are there, people that are known.

Pure, as ``agent.config.crosscheck``, which calls it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.config.problems import Finding, suggest
from agent.config.schema.root import Config
from agent.config.schema.rules import Window
from agent.config.yaml12 import Path

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN, WEEK_MIN = 1440, 7 * 1440


def answering_findings(config: Config) -> Iterator[Finding]:
    """Every finding about how calls are answered."""
    yield from _outputs(config)
    yield from _calls(config)
    yield from _hands(config)
    yield from _calendar(config)
    yield from _patrol(config)


def _outputs(config: Config) -> Iterator[Finding]:
    sounding = [n for n, o in config.outputs.items() if o.type in ("siren", "beacon")]
    answering = config.answering
    parts = {"tasks": answering.tasks.outputs, "post": answering.post.outputs}
    for part, outputs in parts.items():
        for spot, name in enumerate(outputs):
            at: Path = ("answering", part, "outputs", spot)
            yield from named(name, sounding, at, "siren or beacon")


def _calls(config: Config) -> Iterator[Finding]:
    sounding = [n for n, o in config.outputs.items() if o.type in ("siren", "beacon")]
    of_rules = {name for rule in config.rules for name in rule.outputs}
    for spot, name in enumerate(config.answering.call_outputs):
        at: Path = ("answering", "call_outputs", spot)
        yield from named(name, sounding, at, "siren or beacon")
        if name in of_rules:
            yield at, f"'{name}' sounds a rule's alarm; answering a call would silence it"


def _hands(config: Config) -> Iterator[Finding]:
    answering = config.answering
    hands = hands_of(config)
    for spot, name in enumerate(answering.post.devices):
        at: Path = ("answering", "post", "devices", spot)
        yield from named(name, [*hands, "command"], at, "answer button or reader")
    used: dict[object, str] = {}
    for name, reader in answering.readers.items():
        at = ("answering", "readers", name)
        if name in (*config.inputs, *config.outputs, *config.cameras):
            yield at, f"the name '{name}' is already used"
        if reader.device in used:
            yield (*at, "device"), f"{reader.device} is already {used[reader.device]}"
        used[reader.device] = name
    if answering.readers and not answering.people:
        yield ("answering", "readers"), "nobody can answer by them: 'people' is empty"


def _patrol(config: Config) -> Iterator[Finding]:
    patrol, hands = config.answering.patrol, [*hands_of(config), "command"]
    for name, point in patrol.points.items():
        for spot, hand in enumerate(point.by):
            at: Path = ("answering", "patrol", "points", name, "by", spot)
            yield from named(hand, hands, at, "answer button or reader")
    own = f"{config.node.site}/{config.node.node}"
    for name, walk in patrol.rounds.items():
        if walk.next == own:
            yield ("answering", "patrol", "rounds", name, "next"), f"{own} is this gate itself"
        for spot, point_name in enumerate(walk.points):
            at = ("answering", "patrol", "rounds", name, "points", spot)
            yield from named(point_name, patrol.points, at, "patrol point")
            if point_name in walk.points[:spot]:
                yield at, f"'{point_name}' stands twice in this round"


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
    day, rest = divmod(minute, DAY_MIN)
    return f"{DAYS[day]} {rest // 60:02}:{rest % 60:02}"


def hands_of(config: Config) -> list[str]:
    """Answer buttons and readers by name."""
    buttons = [n for n, i in config.inputs.items() if i.type == "answer"]
    return [*buttons, *config.answering.readers]


def named(name: str, known: Iterable[str], path: Path, what: str) -> Iterator[Finding]:
    """A finding when nothing bears that name."""
    known = list(known)
    if name not in known:
        yield path, f"there is no {what} '{name}'{suggest(name, known)}"
