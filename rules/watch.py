"""What the cameras say: face leads, and cameras that are lost or blind."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from agent.core.decisions import Decision, Resolve
from agent.core.events import CameraChanged, CameraState, Event, FaceLead
from contract.words import Kind, ListName, Status
from rules.base import Rule
from rules.texts import sentence


@dataclass(slots=True)
class WatchlistRule(Rule):
    """A face lead becomes an alert without a face, a name or a picture: a person confirms.

    One incident per entry at this gate, whichever camera sees it; a drill's are its own, so that
    they never hold back the real thing. Its outputs sound when the lead is confirmed, not before:
    that is ``agent.incidents.leads``'. ``list_of`` names the list on which an entry stands, of a
    drill or not as vision says it; None when it is not (or no longer) valid: then no alert.
    """

    list_of: Callable[[str, bool], ListName | None] = field(default=lambda *_: None)
    chosen: Collection[str] = ()

    def on_event(self, event: Event) -> list[Decision]:
        """Leads of the chosen cameras."""
        if not isinstance(event, FaceLead) or not self.concerns(event.camera, self.chosen):
            return []
        listed = self.list_of(event.entry_id, event.exercise)
        if listed is None:
            return []
        drill = "exercise:" if event.exercise else ""
        return self.raised(
            event.at,
            event.camera,
            "watchlist.face",
            details=lead_details(event, listed),
            key=f"{self.manner.name}:{drill}{event.entry_id}",
            status=Status.EXERCISE if event.exercise else Status.ACTUAL,
            picture=event.picture,
        )

    def sounded(self) -> list[Decision]:
        """Nothing yet: a lead is no alarm before two persons confirmed it."""
        return []


def lead_details(event: FaceLead, listed: ListName) -> dict[str, object]:
    """What an alert says of a lead: figures and ids, never who it is.

    ``liveness`` only where something checks it: a likely print is a lead like any other, and says
    so, for somebody who holds up another one's picture is worth a look as well.
    """
    details: dict[str, object] = {
        "entry_id": event.entry_id,
        "list": listed.value,
        "score": round(event.score, 4),
        "threshold": round(event.threshold, 4),
        "margin": None if event.margin is None else round(event.margin, 4),
        "frames": event.frames,
        "quality": round(event.quality, 3),
        "model_id": event.model_id,
        "camera": event.camera,
        "confirm": "required",
    }
    if event.review_only:
        details["review_only"] = True
    if event.liveness is not None:
        details["liveness"] = event.liveness
    if event.withheld:
        details["picture_withheld"] = event.withheld
    return details


@dataclass(slots=True)
class CameraRule(Rule):
    """A camera that is lost (``camera.lost``), or frozen or dark (``camera.blind``).

    Over only when the camera is well again: a blind one that is lost as well has no picture.
    """

    chosen: Collection[str] = ()
    _down: set[str] = field(default_factory=set)

    def on_event(self, event: Event) -> list[Decision]:
        """Follows the state of each chosen camera."""
        if not isinstance(event, CameraChanged) or not self.concerns(event.camera, self.chosen):
            return []
        lost = event.state is CameraState.LOST
        blind = event.state in (CameraState.FROZEN, CameraState.DARK)
        if lost if self.manner.kind is Kind.CAMERA_LOST else blind:
            self._down.add(event.camera)
            details = {"state": event.state.value, "reason": event.reason}
            name = self.manner.kind.value
            return self.raised(event.at, event.camera, name, details=details, lasting=True)
        if event.state is CameraState.OK and event.camera in self._down:
            self._down.discard(event.camera)
            text = sentence("camera-ok", self.places[event.camera].label)
            return [Resolve(event.at, f"{self.manner.name}:{event.camera}", text)]
        return []
