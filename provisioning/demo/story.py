"""What happens in the demo, scene by scene, and what has to have arrived at the end.

Here: the script and its judgement. Not here: processes (``stage``), looks (``show``).
An act may yield seconds to let pass; the player keeps looking meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from contract.words import Kind, MsgType, Stage, Status
from provisioning.demo.site import CAMERA
from station.board import Alert

OFFICER = "duty-officer"
BROKER_AWAY_S = 10.0


@dataclass(frozen=True, slots=True)
class Title:
    """What a scene is called, in both languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Expected:
    """An alert that has to arrive, once."""

    kind: Kind
    device: str
    status: Status = Status.ACTUAL
    replayed: bool = False

    def fits(self, alert: Alert) -> bool:
        """True when *alert* is the one."""
        return (
            alert.kind == self.kind.value
            and alert.device == self.device
            and alert.status is self.status
            and alert.replayed is self.replayed
            and alert.msgtype == MsgType.ALERT.value
        )


class Hands(Protocol):
    """What a scene can do and see."""

    def ask(self, op: str, **arguments: object) -> dict[str, object]:
        """Ask the agent at the gate."""

    def stop_broker(self) -> None:
        """Pull the plug."""

    def start_broker(self) -> None:
        """Put it back."""

    def arrived(self, expected: Expected) -> Alert | None:
        """The alert at the station, once it is there."""

    def ack(self, alert: Alert, stage: Stage, by: str) -> None:
        """A person at the station says how far they are."""

    def gate_online(self) -> bool:
        """The station hears the gate."""

    def give_watchlist(self) -> None:
        """Send the drill's list to the gate, as a station does."""

    def searched(self) -> int:
        """How many entries the gate's cameras look for."""

    def compared(self) -> int:
        """How many passers-by the gate has compared with its list."""


Act = Callable[[Hands], Iterator[float]]


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: act, then wait until it has had its effect."""

    title: Title
    act: Act
    until: Callable[[Hands], bool]
    deadline_s: float
    expects: Expected | None = None


FORCED = Expected(Kind.DOOR_FORCED, "pedestrian")
PANIC = Expected(Kind.PANIC, "panic-1")
LEAD = Expected(Kind.WATCHLIST_FACE, CAMERA, Status.EXERCISE)
LATE_PANIC = Expected(Kind.PANIC, "panic-1", replayed=True)


def story() -> tuple[Scene, ...]:
    """The scenes in their order."""
    cut_off = Title(
        "The broker is gone for 10 s; the button is pressed", "断网 10 秒，期间按下按钮"
    )
    return (
        Scene(
            Title("The gate starts and announces itself", "门岗启动并上线"),
            _nothing,
            lambda hands: hands.gate_online(),
            60.0,
        ),
        *_alarms(),
        *_passers_by(),
        _alerting(cut_off, _cut_off, LATE_PANIC, 60.0),
    )


def _alarms() -> tuple[Scene, ...]:
    return (
        _alerting(
            Title("The pedestrian door is forced open", "人行门被强行打开"),
            _force_door,
            FORCED,
            15.0,
        ),
        _alerting(
            Title("Somebody presses the panic button", "有人按下紧急按钮"), _press, PANIC, 15.0
        ),
        Scene(
            Title("The duty officer answers; a guard resets the button", "值班员受理，门卫复位"),
            _answer,
            _is_closed,
            15.0,
        ),
    )


def _passers_by() -> tuple[Scene, ...]:
    volunteer = Title(
        "Drill: a volunteer on the drill's list walks up to the camera",
        "演练：名单内志愿者走近摄像机",
    )
    stranger = Title(
        "A stranger walks up: compared, and nothing leaves the gate", "陌生人走近：不留痕"
    )
    return (
        Scene(
            Title("The station sends the drill's signed list", "指挥中心下发演练名单（已签名）"),
            _give_list,
            lambda hands: hands.searched() == 1,
            60.0,
        ),
        _alerting(volunteer, _nothing, LEAD, 90.0),
        Scene(stranger, _nothing, lambda hands: hands.compared() >= 2, 90.0),
    )


def _alerting(title: Title, act: Act, expected: Expected, deadline_s: float) -> Scene:
    """A scene whose effect is an alert at the station."""
    return Scene(
        title, act, lambda hands: hands.arrived(expected) is not None, deadline_s, expected
    )


@dataclass(frozen=True, slots=True)
class Judgement:
    """What did not happen in time, is missing or unexpected, and what is not acked yet."""

    late: tuple[Title, ...]
    missing: tuple[Expected, ...]
    unexpected: tuple[Alert, ...]
    waiting: int

    @property
    def good(self) -> bool:
        """Every scene in time, every expected alert, no other, all acked."""
        return not (self.late or self.missing or self.unexpected or self.waiting)


def judge(
    scenes: Sequence[Scene], late: Sequence[Scene], alerts: Sequence[Alert], waiting: int
) -> Judgement:
    """Compare what the station stored with the script.

    *late* are the scenes without effect in time; *waiting* is still in the gate's outbox.
    """
    left = list(alerts)
    missing = []
    for expected in (scene.expects for scene in scenes if scene.expects is not None):
        found = next((alert for alert in left if expected.fits(alert)), None)
        if found is None:
            missing.append(expected)
        else:
            left.remove(found)
    titles = tuple(scene.title for scene in late)
    return Judgement(titles, tuple(missing), tuple(left), waiting)


def _nothing(_: Hands) -> Iterator[float]:
    yield 0.0


def _give_list(hands: Hands) -> Iterator[float]:
    hands.give_watchlist()
    yield 0.0


def _force_door(hands: Hands) -> Iterator[float]:
    hands.ask("sim", verb="open", name="door-1")
    yield 2.0
    hands.ask("sim", verb="close", name="door-1")


def _press(hands: Hands) -> Iterator[float]:
    hands.ask("sim", verb="press", name="panic-1", for_s=0.5)
    yield 0.0


def _answer(hands: Hands) -> Iterator[float]:
    alert = hands.arrived(PANIC)
    if alert is None:
        return
    for stage in (Stage.SEEN, Stage.HANDLING):
        hands.ack(alert, stage, OFFICER)
        yield 1.0
    hands.ask("reset", name="panic-1", by="guard")
    hands.ack(alert, Stage.CLOSED, OFFICER)


def _is_closed(hands: Hands) -> bool:
    alert = hands.arrived(PANIC)
    return alert is not None and alert.stage is Stage.CLOSED


def _cut_off(hands: Hands) -> Iterator[float]:
    hands.stop_broker()
    yield BROKER_AWAY_S / 2
    hands.ask("sim", verb="press", name="panic-1", for_s=0.5)
    yield BROKER_AWAY_S / 2
    hands.start_broker()
