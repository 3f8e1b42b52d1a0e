"""What the parts say about themselves becomes health notes, issues and events.

Here: link, storage, station, vision and rules as the heartbeat and the rules see them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from agent.border.messages import Beat, CameraFigures, Hello
from agent.config.problems import Problem
from agent.core.clock import NS_PER_S, Clock, Stamp, stamp
from agent.core.events import (
    CameraChanged,
    CameraState,
    ComponentState,
    Event,
    HostChanged,
    LinkChanged,
    StorageChanged,
)
from agent.core.health import LONGEST_REASON, HealthBoard
from agent.link.session import LinkFault
from agent.pipeline.picture_words import picture_text
from agent.pipeline.vision_watch import NO_ANSWER
from agent.runtime.crash_count import Level, Start
from rules.engine import RuleFailed

log = logging.getLogger(__name__)

LONGEST_NAME = 64
MANY_STARTS = 4
STARTS_WITHIN_NS = 600 * NS_PER_S
_LINK_ISSUES = {
    LinkFault.LOGIN: "the broker refuses the login; put link.username and password_file right",
    LinkFault.TLS: "TLS with the broker fails; check the files of link.brokers and the clock",
    LinkFault.TAKEN_OVER: "another agent uses the identity of this gate; stop one of the two",
    LinkFault.CLOSED_AGAIN: "the broker closes the connection again and again; see whether another "
    "agent uses the identity of this gate, and what the broker's log says",
}
_SAFE_MODE = (
    "{failed} starts in a row ended in a crash{why}; panic, sirens and doors work; cameras, "
    "watchlist and the site's own rules are off. See the log, put right what crashes, then "
    "'gatehouse reset --safe-mode'; it also tries again by itself"
)
_RESEND = (
    "{n} entries are not searched for: their templates are of another model than {model} and no"
    " photo of them is left here; the station must send their photos again (gatehouse watchlist"
    " list names them)"
)
_VISION_RESTARTS = (
    f"the vision program was started {MANY_STARTS} times within ten minutes; cameras and faces "
    "have gaps; see its log and its memory"
)
_UNTIL_STEADY = frozenset({LinkFault.TAKEN_OVER, LinkFault.CLOSED_AGAIN})


class Observer:
    """Notes what it is told. ``put`` is given once the inbox stands."""

    def __init__(self, health: HealthBoard, clock: Clock) -> None:
        self._health = health
        self._clock = clock
        self._vision_starts_ns: deque[int] = deque(maxlen=MANY_STARTS)
        self.put: Callable[[Event], None] = lambda _: None

    def issue(self, code: str, component: str, text: str) -> None:
        """Raise an issue and log it when it is new."""
        if self._health.raise_issue(code, component, text, stamp(self._clock)):
            log.warning("%s: %s", component, text)

    def hear(self, event: Event) -> None:
        """Note what an event of any part says of that part, and put it into the inbox."""
        match event:
            case HostChanged():
                self.station(event)
            case CameraChanged():
                self.camera(event)
            case _:
                self.put(event)

    def started(self, start: Start, problems: Sequence[Problem] = ()) -> None:
        """*problems* of a file that is not used; what this start leaves out, and what to do."""
        for problem in problems:
            self.issue("config", str(problem.path), f"new file not used: {problem}")
        if start.level is Level.NORMAL:
            return
        why = f" (last: {start.error})" if start.error else ""
        text = _SAFE_MODE.format(failed=start.failed, why=why)
        if start.level is Level.BARE:
            text += "; inputs other than panic and doors are off too"
        if start.outbox_in_memory:
            text += "; the data folder is left alone, alarms are in memory, no command is obeyed"
        self._health.note("core", ComponentState.DEGRADED, "safe mode")
        self.issue("safe-mode", "core", text)

    def cases(self, ok: bool, reason: str) -> None:  # noqa: FBT001 - the keeper's answer
        """What goes on at the gate is kept durably, or not."""
        state = ComponentState.OK if ok else ComponentState.DEGRADED
        self._health.note("cases", state, reason)
        if ok:
            self._health.clear_issue("cases", "cases")
        else:
            text = f"open incidents and calls are kept in memory only: {reason}"
            self.issue("cases", "cases", text)

    def storage(self, ok: bool, reason: str) -> None:  # noqa: FBT001 - the outbox's answer
        """The outbox can (not) be written."""
        state = ComponentState.OK if ok else ComponentState.DEGRADED
        self._health.note("outbox", state, reason)
        if ok:
            self._health.clear_issue("storage", "outbox")
        else:
            self.issue("storage", "outbox", f"alarms are kept in memory only: {reason}")
        self.put(StorageChanged(stamp(self._clock), ok, reason))

    def audit(self, code: str, text: str | None) -> None:
        """The audit log cannot be written, or does not hold; text None: it is over."""
        if text is None:
            self._health.clear_issue(code, "audit")
        else:
            self.issue(code, "audit", text)

    def outbox_damage(self, reason: str) -> None:
        """A part of the outbox was damaged: an issue that stays, an alert that is over at once."""
        self.issue("outbox-damaged", "outbox", reason)
        for ok in (False, True):
            self.put(StorageChanged(stamp(self._clock), ok, reason))

    def link_starts(self) -> None:
        """There was no link yet."""
        self.put(LinkChanged(stamp(self._clock), up=False, reason="starting"))

    def link_up(self, where: str) -> None:
        """The broker carries."""
        self._health.note("link", ComponentState.OK, broker=where)
        for fault in LinkFault:
            if fault not in _UNTIL_STEADY:
                self._health.clear_issue(fault, "link")
        self.put(LinkChanged(stamp(self._clock), up=True, reason=where))

    def subscribed(self, topic: str, refusal: str) -> None:
        """The broker lets the gate hear *topic*; or not, and why: then nothing comes of it."""
        part = "/".join(topic.split("/")[3:])[-LONGEST_NAME:]
        if refusal:
            self.issue("not-heard", part, f"{_unheard(topic)} ({refusal[:LONGEST_REASON]})")
        elif self._health.clear_issue("not-heard", part):
            log.info("the broker lets this gate hear %s again", topic)

    def link_steady(self) -> None:
        """The broker has carried for a while: nobody throws us out."""
        for fault in _UNTIL_STEADY:
            self._health.clear_issue(fault, "link")

    def link_down(self, fault: LinkFault, reason: str) -> None:
        """The broker does not carry, and why."""
        before = self._health.note("link", ComponentState.DOWN, reason)
        if before is not None:
            level = logging.INFO if fault is LinkFault.RENEWED else logging.WARNING
            log.log(level, "link down: %s", reason)
        if fault in _LINK_ISSUES:
            self.issue(fault, "link", f"{_LINK_ISSUES[fault]} ({reason})")
        self.put(LinkChanged(stamp(self._clock), up=False, reason=reason))

    def certificate(self, until: str, trouble: str) -> None:
        """The gate's certificate is good *until* then; *trouble* is why it is not renewed."""
        if trouble:
            trouble = trouble[:LONGEST_REASON]
            self._health.note("certificate", ComponentState.DEGRADED, trouble, until=until)
            self.issue("certificate", "certificate", f"the certificate is not renewed: {trouble}")
        else:
            self._health.note("certificate", ComponentState.OK, until=until)
            self._health.clear_issue("certificate", "certificate")

    def station(self, event: HostChanged) -> None:
        """The station's software listens, or not."""
        state = ComponentState.OK if event.online else ComponentState.DEGRADED
        why = ": ".join(filter(None, ("station not listening", event.reason)))
        self._health.note("station", state, "" if event.online else why)
        self.put(event)

    def vision_up(self, hello: Hello) -> None:
        """The vision program is here; one that comes again and again is an issue."""
        self._vision_starts_ns.append(self._clock.monotonic_ns())
        if self._many_starts():
            self.issue("vision-restarts", "vision", _VISION_RESTARTS)
        if hello.fault:
            self.issue("no-face-work", "vision", hello.fault)
        else:
            self._health.clear_issue("no-face-work", "vision")
        self._health.note(
            "vision", ComponentState.OK, model_id=hello.model_id, review_only=hello.review_only
        )

    def stranded(self, entries: int, model_id: str | None) -> None:
        """So many entries hold templates of another embedder than *model_id*."""
        if entries:
            self.issue("watchlist-resend", "watchlist", _RESEND.format(n=entries, model=model_id))
        else:
            self._health.clear_issue("watchlist-resend", "watchlist")

    def vision_gone(self) -> None:
        """The vision program hung up."""
        self._health.note("vision", ComponentState.DOWN, "not connected")

    def vision_figures(self, beat: Beat) -> None:
        """Put a beat's figures on the board."""
        if not self._many_starts():
            self._health.clear_issue("vision-restarts", "vision")
        self._health.note(
            "vision",
            ComponentState.OK,
            tracks=beat.tracks,
            compared=beat.compared,
            leads=beat.leads,
            reviews=beat.reviews,
            gallery=beat.gallery,
        )
        for name, camera in beat.cameras.items():
            ok = camera.state is CameraState.OK
            self._health.note(
                f"camera.{name}",
                ComponentState.OK if ok else ComponentState.DEGRADED,
                "" if ok else f"{camera.state or 'starting'}: {camera.reason}",
                fps=round(camera.fps, 1),
                looked_fps=round(camera.looked_fps, 1),
                picture=round(camera.picture, 2),
                identify=camera.identify,
                **({} if camera.face_px is None else {"face_px": round(camera.face_px)}),
            )
            self._picture(name, camera)

    def _picture(self, name: str, camera: CameraFigures) -> None:
        """A picture that faces cannot be told apart in is an issue, not an alarm."""
        text = picture_text(camera)
        if text:
            self.issue("camera-picture", name, text)
        else:
            self._health.clear_issue("camera-picture", name)

    def _many_starts(self) -> bool:
        starts_ns = self._vision_starts_ns
        since_ns = self._clock.monotonic_ns() - STARTS_WITHIN_NS
        return len(starts_ns) == MANY_STARTS and starts_ns[0] >= since_ns

    def camera(self, event: CameraChanged) -> None:
        """A camera changed. Beats tell how cameras do; that there are none is noted here."""
        if event.reason == NO_ANSWER:
            self._health.note("vision", ComponentState.DOWN, NO_ANSWER)
            reason = f"{event.state}: {NO_ANSWER}"
            self._health.note(f"camera.{event.camera}", ComponentState.DEGRADED, reason)
        self.put(event)

    def selftest(self) -> Mapping[str, object]:
        """How every part does; the proof of the command of that name."""
        components = {name: part.state.value for name, part in self._health.components.items()}
        issues = [issue.as_json() for issue in self._health.issues]
        return {"healthy": self._health.healthy, "components": components, "issues": issues}

    def rule_failed(self, failed: RuleFailed, at: Stamp) -> None:
        """A rule raised."""
        off = " and is switched off" if failed.off else ""
        state = ComponentState.DOWN if failed.off else ComponentState.DEGRADED
        self._health.note(f"rule.{failed.rule}", state, failed.reason)
        self._health.raise_issue(
            "rule-failed", failed.rule, f"the rule failed{off}: {failed.reason}", at
        )


def _unheard(topic: str) -> str:
    """That the broker refuses *topic*, and what a person has to do about it."""
    match topic.split("/"):
        case [_, _, _, "area", area, what]:
            return (
                f"the broker does not let this gate hear the {what}s of area '{area}'; at the "
                f"station add it with 'gatehouse station areas SITE/NODE --area {area}' and renew "
                "the broker's rights, or take it out of answering.areas"
            )
    return (
        f"the broker does not let this gate hear {topic}; renew the broker's rights for this gate"
    )
