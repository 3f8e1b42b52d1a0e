"""What the gate says of itself: state and will, birth, heartbeat. Pure builders of bodies.

Here: the JSON of ``~/state``, ``~/meta`` and ``~/hb`` (CONTRACT 2). Not here: when they are sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.border.messages import Hello
from agent.config.schema.base import Label
from agent.config.schema.root import Config
from agent.core.audit import Head
from agent.core.clock import NS_PER_S, Clock, format_utc
from agent.core.health import HealthBoard
from contract.words import CONTRACT_VERSION

SOON_PERIOD_S = 10.0
CAPABILITIES = (
    "panic", "door", "exercise", "replay", "rebirth", "selftest", "face.off", "wipe", "chunks",
    "task", "post.challenge", "profile", "lead.verdict",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for the station."""

    pending: int
    oldest_s: float


class Standing(Protocol):
    """How the station's commands left this gate; ``agent.orders`` has it."""

    @property
    def face_off(self) -> bool:
        """True while no face may be looked for."""

    def nonce(self) -> str | None:
        """The word to say while the clock is not synced."""


class _Plain:
    face_off = False

    def nonce(self) -> str | None:
        return None


class Presence:
    """Builds the bodies for one session of one gate."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        session: int,
        version: str,
        standing: Standing | None = None,
        pace: Callable[[float], float] = lambda usual_s: usual_s,
    ) -> None:
        """*pace*: seconds between heartbeats now, of the usual ones."""
        self._pace = pace
        self._standing = standing or _Plain()
        self._config = config
        self._clock = clock
        self._session = session
        self._version = version
        self._beats = 0

    def state(self, *, online: bool, reason: str) -> bytes:
        """Body of ``~/state``; the will is the same with ``online`` false."""
        return _dumps(
            {
                "online": online,
                "session": self._session,
                "boot_id": self._clock.boot_id,
                "version": self._version,
                "reason": reason,
            }
        )

    def meta(self, vision: Hello | None) -> bytes:
        """Body of ``~/meta``: what this gate is made of."""
        config = self._config
        devices = [
            {"name": name, "type": item.type, "where": item.where, "label": _label(item.name)}
            for name, item in config.inputs.items()
        ]
        devices += [
            {
                "name": name,
                "type": out.type,
                "where": config.node.node,
                "label": _label(out.name),
            }
            for name, out in config.outputs.items()
        ]
        cameras = [
            {"name": name, "where": camera.where, "label": _label(camera.name)}
            for name, camera in config.cameras.items()
        ]
        return _dumps(
            {
                "contract": CONTRACT_VERSION,
                "version": self._version,
                "session": self._session,
                "name": _label(config.node.name),
                "devices": devices,
                "cameras": cameras,
                "capabilities": self._capabilities(),
                "models": _models(vision),
            }
        )

    def heartbeat(
        self, health: HealthBoard, waiting: Waiting, audit: Head | None = None, *, busy: bool
    ) -> tuple[bytes, float]:
        """Body of ``~/hb`` and the period in seconds until the next one.

        *audit* is the head of the audit log: what the station has to find there later. *busy* (an
        incident is open) makes the period at most ten seconds, and so does a clock that is not
        synced: the station then needs a fresh nonce for every command.
        """
        period_s = self._pace(self._config.link.heartbeat_s)
        nonce = self._standing.nonce()
        if busy or nonce is not None:
            period_s = min(period_s, SOON_PERIOD_S)
        clock = {"synced": self._clock.synced(), "offset_ms": self._clock.offset_ms()}
        self._beats += 1
        next_due_ns = self._clock.utc_ns() + round(period_s * NS_PER_S)
        body: dict[str, object] = {
            "seq": self._beats,
            "session": self._session,
            "period_s": period_s,
            "next_due": format_utc(next_due_ns),
            "components": {name: part.as_json() for name, part in health.components.items()},
            "issues": [issue.as_json() for issue in health.issues],
            "outbox": {"pending": waiting.pending, "oldest_s": round(waiting.oldest_s, 1)},
            "clock": clock if nonce is None else {**clock, "nonce": nonce},
        }
        if audit is not None:
            body["audit"] = {"n": audit.n, "hash": audit.hash}
        return _dumps(body), period_s

    def identity(self) -> dict[str, object]:
        """Name, version and session, for people at the gate."""
        name = _label(self._config.node.name)
        return {"name": name, "version": self._version, "session": self._session}

    def _capabilities(self) -> Sequence[str]:
        looks = self._config.faces.enabled and not self._standing.face_off
        opens = any(door.relay is not None for door in self._config.access.doors.values())
        more = {"watchlist.face": looks, "track": looks, "search": looks, "door.open": opens}
        return [*CAPABILITIES, *(name for name, able in more.items() if able)]


def _models(vision: Hello | None) -> list[dict[str, object]]:
    if vision is None:
        return []
    return [
        {
            "role": model.role,
            "model_id": model.model_id,
            "review_only": vision.review_only,
            "sha256": model.sha256,
        }
        for model in vision.models
    ]


def _label(label: Label) -> dict[str, str]:
    return {"en": label.en, "zh": label.zh}


def _dumps(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
