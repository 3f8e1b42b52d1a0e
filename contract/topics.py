"""Topic names of contract version 1: building them, and reading them back.

Here: ``gh/v1/...`` strings and the ids that stand in them. Not here: payloads, the broker.

RabbitMQ makes a level of every dot, so ``cmd/door.open`` arrives as ``cmd/door/open``: a gate asks
for both, and both are read as the same command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ROOT = "gh/v1"
CALL, BULLETIN = "call", "bulletin"
ID_PATTERN = r"[a-z0-9-]{1,32}"
FLEETING = ("/hb", "/host/state")
_ID = re.compile(ID_PATTERN)


def is_id(text: str) -> bool:
    """True for ``[a-z0-9-]{1,32}``, the only form of station, site, node, area and device ids."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Address:
    """Which gate: station, site and node, each ``[a-z0-9-]{1,32}``."""

    station: str
    site: str
    node: str

    def __post_init__(self) -> None:
        for name in ("station", "site", "node"):
            value = getattr(self, name)
            if not is_id(value):
                raise ValueError(f"{name} id {value!r} is not of the form {ID_PATTERN}")

    @property
    def base(self) -> str:
        """``gh/v1/{station}/{site}/{node}``, the contract's ``~`` and a CloudEvent's ``source``."""
        return f"{ROOT}/{self.station}/{self.site}/{self.node}"

    @property
    def client_id(self) -> str:
        """MQTT client id and certificate CN: ``{station}.{site}.{node}``."""
        return f"{self.station}.{self.site}.{self.node}"

    def topic(self, *parts: str, drill: bool = False) -> str:
        """A topic under this gate; *drill* puts it on the drill branch."""
        head = f"{self.base}/drill" if drill else self.base
        return "/".join((head, *parts))

    def respond(self, area: str) -> str:
        """Where this gate answers the calls of *area*."""
        return f"{ROOT}/{self.station}/area/{area}/respond/{self.site}/{self.node}"

    def call(self, area: str) -> str:
        """Where *area* is called."""
        return f"{ROOT}/{self.station}/area/{area}/{CALL}"

    def bulletin(self, area: str) -> str:
        """Where the notice of *area* stands."""
        return f"{ROOT}/{self.station}/area/{area}/{BULLETIN}"

    def area_topic(self, topic: str) -> tuple[str, str] | None:
        """The area of *topic* and what it is, ``call`` or ``bulletin``; None for any other."""
        parts = topic.split("/")
        named = len(parts) == 6 and is_id(parts[4]) and parts[5] in (CALL, BULLETIN)
        if not named or parts[:4] != [*ROOT.split("/"), self.station, "area"]:
            return None
        return parts[4], parts[5]

    def host_state(self) -> str:
        """Where the station says whether it listens."""
        return f"{ROOT}/{self.station}/host/state"

    def subscriptions(self) -> tuple[str, ...]:
        """Everything that the station may tell this gate."""
        own = ("ack", "cmd/+", "cmd/+/+", "desired/+", "task/+")
        return (
            *(self.topic(t) for t in own),
            *(self.topic(t, drill=True) for t in own),
            self.host_state(),
        )


@dataclass(frozen=True, slots=True)
class GateTopic:
    """A topic under one gate, taken apart: ``rest`` is what follows ``~`` or ``~/drill``."""

    address: Address
    rest: tuple[str, ...]
    drill: bool = False


def parse_gate_topic(topic: str) -> GateTopic | None:
    """The gate and the rest of *topic*, or None when it is not a topic of a gate."""
    parts = topic.split("/")
    if len(parts) < 6 or parts[:2] != ["gh", "v1"] or parts[3] == "area":
        return None
    if not all(is_id(part) for part in parts[2:5]):
        return None
    address, rest = Address(*parts[2:5]), parts[5:]
    drill = rest[0] == "drill" and len(rest) > 1
    rest = rest[1:] if drill else rest
    if rest[0] == "cmd" and len(rest) == 3:
        rest = ["cmd", f"{rest[1]}.{rest[2]}"]
    return GateTopic(address, tuple(rest), drill=drill)


def station_subscriptions(station: str) -> tuple[str, ...]:
    """Everything that the gates and areas of *station* may say."""
    head = f"{ROOT}/{station}"
    both = ("alert", "event", "evidence/+/+", "result", "reported/+", "task/+/status", "report/+/+")
    own = ("state", "meta", "hb", "post", *both)
    return (
        *(f"{head}/+/+/{topic}" for topic in own),
        *(f"{head}/+/+/drill/{topic}" for topic in both),
        f"{head}/area/+/respond/+/+",
    )


def subscription_qos(topic_filter: str) -> int:
    """With which QoS a topic is subscribed: 0 for words that come again soon.

    No broker then keeps old ones for somebody who is away, before what matters to him.
    """
    return 0 if topic_filter.endswith(FLEETING) else 1
