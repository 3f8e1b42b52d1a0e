"""Guard on post: a challenge now and then, answered by a person who is there.

::

    quiet    --every_s over, or post.challenge--> asked      the outputs sound
    asked    --present-->                         quiet      fact guard.present, ~/post occupied
    asked    --remind_s over-->                   reminded   fact guard.reminded, the outputs sound
    reminded --present-->                         quiet      as above
    reminded --absent_s over-->                   absent     alert guard.absent, ~/post empty
    absent   --present-->                         quiet      the alert is over, as above
    not quiet --post.challenge-->                 refused as busy

A drill's challenge goes beside the actual one, never changes ``~/post``, and is over with its
alert. Where the roster says that nobody has to be there, no challenge comes by itself; a gate that
does not know the time expects everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from agent.border.orders import ChallengeArgs
from agent.config.schema.guard import PostConfig, Shift
from agent.core.answers import Answer, GuardAnswered, Helper, Ordered
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Actuate, Decision, Drive, Note, Raise, Resolve, Tell
from agent.core.errors import RefusedError
from agent.core.events import Event
from agent.core.text import Text
from agent.incidents.challenge import Turn, Watch, turned
from agent.incidents.way import Item, Obeys, Way
from contract.words import CommandName, Kind, Refusal, Severity, Status, Urgency
from rules.windows import Windows

KNOWN_ORDERS = 50
COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Post:
    """One post, in the world or in a drill.

    ``asked`` is when the challenge that stands was given; ``share`` of ``every_s`` after ``armed``
    the next one is. ``occupied`` None: nobody knows yet. ``orders``: the newest commands taken.
    """

    status: Status
    armed: Stamp
    share: float
    watch: Watch = Watch.QUIET
    number: int = 0
    asked: Stamp | None = None
    cause: Mapping[str, str] | None = None
    occupied: bool | None = None
    since: Stamp | None = None
    by: str = ""
    orders: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What it is kept under."""
        return "drill" if self.status is Status.EXERCISE else "post"

    @property
    def item(self) -> str:
        """The id of the challenge that stands."""
        return f"{self.key}-{self.number}"


@dataclass(slots=True)
class OnPost(Way[Post]):
    """The guard's post of this gate. ``settings`` are those in force; ``random`` is 0 to 1."""

    NAME: ClassVar[str] = "post"
    CASE: ClassVar[type] = Post
    ORDERS: ClassVar[Mapping[CommandName, Obeys]] = {
        CommandName.POST_CHALLENGE: Obeys(ChallengeArgs, in_drills=True)
    }

    settings: Callable[[], PostConfig]
    random: Callable[[], float]

    @property
    def due_ns(self) -> int | None:
        """When the next challenge, reminder or alert is due."""
        dues = [due for post in self.cases.values() if (due := self._due_ns(post)) is not None]
        return min(dues, default=None)

    @property
    def items(self) -> list[Item]:
        """Challenges that stand."""
        return [
            Item(
                post.item,
                self.NAME,
                Text("Are you at your post? Say present", "查岗：请确认在岗"),
                post.asked,
                (Answer.PRESENT,),
                post.status,
                "" if post.watch is Watch.ASKED else post.watch.value,
            )
            for post in self.cases.values()
            if post.asked is not None
        ]

    def resume(self, cases: Mapping[str, Post], now: Stamp) -> list[Decision]:
        """Go on; the first life begins to count."""
        self.cases.update(cases)
        if "post" not in self.cases:
            self.keep("post", Post(Status.ACTUAL, now, self._share()))
        return []

    def wipe(self, now: Stamp) -> None:
        """Who was at the post is forgotten; it begins to count anew."""
        Way.wipe(self, now)
        self.keep("post", Post(Status.ACTUAL, now, self._share()))

    def permit(self, order: Ordered) -> None:
        """RefusedError while a challenge stands."""
        post = self.cases.get(_key(order))
        if post is not None and post.asked is not None:
            raise RefusedError(Refusal.BUSY, f"a challenge stands since {post.asked.utc}")

    def took(self, cmd_id: str) -> bool:
        """Whether that challenge was begun."""
        return any(cmd_id in post.orders for post in self.cases.values())

    def on_event(self, event: Event) -> list[Decision]:
        """Challenges by the station, and who is there."""
        match event:
            case Ordered(name=CommandName.POST_CHALLENGE):
                status = Status.EXERCISE if event.exercise else Status.ACTUAL
                post = self.cases.get(_key(event)) or Post(status, event.at, self._share())
                orders = (*post.orders, event.cmd_id)[-KNOWN_ORDERS:]
                cause = {"cause": "station", "cmd_id": event.cmd_id, "issuer": event.issuer}
                said = {k: str(v) for k, v in event.args.items() if v}
                return self._ask(replace(post, orders=orders), event.at, {**cause, **said})
            case GuardAnswered(answer=Answer.PRESENT, helper=Helper.GUARD):
                return self._present(event)
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """Challenges, reminders and alerts that are due."""
        decisions: list[Decision] = []
        for post in list(self.cases.values()):
            due_ns = self._due_ns(post)
            if due_ns is not None and due_ns <= now.monotonic_ns:
                decisions += self._go_on(post, now)
        return decisions

    def _go_on(self, post: Post, now: Stamp) -> list[Decision]:
        match post.watch:
            case Watch.ASKED:
                self.keep(post.key, replace(post, watch=turned(post.watch, _late(post))))
                return [self._fact(post, "guard.reminded", now, {}), *self._sound()]
            case Watch.REMINDED:
                return self._absent(post, now)
            case _ if self._somebody_expected(now):
                return self._ask(post, now, {"cause": "schedule"})
        self.keep(post.key, replace(post, armed=now, share=self._share()))
        return []

    def _ask(self, post: Post, at: Stamp, cause: Mapping[str, str]) -> list[Decision]:
        number = post.number + 1
        watch = turned(post.watch, Turn.ASKED)
        post = replace(post, watch=watch, number=number, asked=at, cause=cause)
        self.keep(post.key, post)
        return [self._fact(post, "guard.challenged", at, {}), *self._sound()]

    def _present(self, event: GuardAnswered) -> list[Decision]:
        devices = self.settings().devices
        at_post = bool(event.device) and event.device in devices
        standing = [p for p in self.cases.values() if at_post or event.about in (None, p.item)]
        if devices and (event.device or COMMAND) not in devices:
            details = {"by": event.who, "device": event.device or COMMAND}
            return [self._fact(p, "guard.unproven", event.at, details) for p in standing]
        decisions: list[Decision] = []
        for post in standing:
            if post.asked is not None or post.status is Status.ACTUAL:
                decisions += self._there(post, event)
        return decisions

    def _there(self, post: Post, event: GuardAnswered) -> list[Decision]:
        changed = not post.occupied or post.by != event.who
        there = replace(
            post,
            watch=turned(post.watch, Turn.PRESENT),
            armed=event.at,
            share=self._share(),
            asked=None,
            cause=None,
            occupied=True,
            since=post.since if post.occupied else event.at,
            by=event.who[:64],
        )
        self.keep(post.key, there)
        decisions: list[Decision] = []
        if post.watch is Watch.ABSENT:
            text = Text("The guard is back at the post", "值班人员已回岗")
            decisions.append(Resolve(event.at, self._incident(post), text))
        if post.asked is not None or changed:
            decisions.append(self._fact(post, "guard.present", event.at, self._proof(post, event)))
        return [*decisions, *_told(there, event.at)]

    def _proof(self, post: Post, event: GuardAnswered) -> Mapping[str, object]:
        proof: dict[str, object] = {"by": event.who, "with": event.by, "device": event.device}
        if self.settings().roster:
            proof["on_roster"] = event.who in self._expected(event.at)
        if post.asked is not None:
            after_ns = event.at.monotonic_ns - post.asked.monotonic_ns
            proof["after_s"] = round(after_ns / NS_PER_S, 1)
        return proof

    def _absent(self, post: Post, now: Stamp) -> list[Decision]:
        drill = post.status is Status.EXERCISE
        watch = turned(post.watch, _late(post))
        away = replace(post, watch=watch, occupied=False, by="", since=now)
        if drill:
            away = replace(away, asked=None, cause=None)
        self.keep(post.key, away)
        where, after_s = self.settings().where, self.settings().absent_s
        alert = Raise(
            at=now,
            rule=self.NAME,
            kind=Kind.GUARD_ABSENT,
            key=self._incident(post),
            severity=Severity.MAJOR,
            urgency=Urgency.IMMEDIATE,
            text=Text(
                f"Nobody answered at the guard's post for {after_s:g} s: {where}",
                f"查岗 {after_s:g} 秒无人应答，值班人员脱岗：{where}",
            ),
            device="post",
            where=where,
            details={**(post.cause or {}), "expected": self._expected(now)},
            status=post.status,
            latched=not drill,
        )
        return [alert, *_told(away, now)]

    def _fact(self, post: Post, kind: str, at: Stamp, details: Mapping[str, object]) -> Note:
        about = {"challenge": post.item, **(post.cause or {})} if post.asked else {}
        return Note(at, kind, "post", self.settings().where, {**about, **details}, post.status)

    def _due_ns(self, post: Post) -> int | None:
        settings = self.settings()
        if post.asked is not None:
            limits = {Watch.ASKED: settings.remind_s, Watch.REMINDED: settings.absent_s}
            limit_s = limits.get(post.watch)
            return None if limit_s is None else _after(post.asked, limit_s)
        if settings.every_s is None or post.status is Status.EXERCISE:
            return None
        return _after(post.armed, settings.every_s * post.share)

    def _share(self) -> float:
        return 0.5 + self.random() if self.settings().random else 1.0

    def _somebody_expected(self, at: Stamp) -> bool:
        return not self.settings().roster or bool(self._expected(at))

    def _expected(self, at: Stamp) -> Sequence[str]:
        return [shift.who for shift in self.settings().roster if is_on(shift, at)]

    def _incident(self, post: Post) -> str:
        return f"{self.NAME}:{post.key}"

    def _sound(self) -> list[Decision]:
        settings = self.settings()
        return [Actuate(name, Drive.ON, settings.sound_s) for name in settings.outputs]


def is_on(shift: Shift, at: Stamp) -> bool:
    """Whether somebody has to be there at that time; an unknown time counts as yes."""
    return Windows(shift.windows).cover(at)


def _key(order: Ordered) -> str:
    return "drill" if order.exercise else "post"


def _late(post: Post) -> Turn:
    return Turn.LATE if post.status is Status.ACTUAL else Turn.LATE_IN_DRILL


def _after(then: Stamp, seconds: float) -> int:
    return then.monotonic_ns + round(seconds * NS_PER_S)


def _told(post: Post, at: Stamp) -> list[Decision]:
    """``~/post``, which a drill never changes."""
    if post.status is Status.EXERCISE or post.since is None:
        return []
    body = {"occupied": post.occupied, "since": post.since.utc, "by": post.by, "at": at.utc}
    return [Tell(("post",), body, standing=True)]
