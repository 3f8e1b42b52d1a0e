"""How the parts of the agent do, gathered for the heartbeat and for people.

Here: the board on which components and issues are noted. Not here: who watches whom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.core.clock import Stamp
from agent.core.events import ComponentState

LONGEST_REASON = 300  # the contract's


@dataclass(frozen=True, slots=True)
class Component:
    """One part: its state, why, and a few figures worth a line in the heartbeat."""

    state: ComponentState
    reason: str = ""
    figures: Mapping[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The component as the heartbeat carries it."""
        body: dict[str, object] = {"state": self.state.value}
        if self.reason:
            body["reason"] = self.reason
        return body | dict(self.figures)


@dataclass(frozen=True, slots=True)
class Issue:
    """Something a person should put right. ``code`` is stable, ``text`` is for people."""

    code: str
    component: str
    text: str
    since: Stamp

    def as_json(self) -> dict[str, object]:
        """The issue as the heartbeat carries it."""
        return {
            "code": self.code,
            "component": self.component,
            "text": self.text,
            "since": self.since.utc,
        }


class HealthBoard:
    """The one place where components and issues are noted. Not thread-safe: the loop's own."""

    def __init__(self) -> None:
        self._components: dict[str, Component] = {}
        self._issues: dict[tuple[str, str], Issue] = {}

    def note(
        self, name: str, state: ComponentState, reason: str = "", **figures: object
    ) -> Component | None:
        """Note how *name* does; returns what stood there before when the state changed.

        A reason may come from outside (a camera's): it is cut to what a heartbeat may carry.
        """
        before = self._components.get(name)
        self._components[name] = Component(state, reason[:LONGEST_REASON], figures)
        if before is not None and before.state is not state:
            return before
        return None

    def raise_issue(self, code: str, component: str, text: str, since: Stamp) -> bool:
        """Raise an issue, or reword a standing one; True when it is new."""
        key = (code, component)
        standing = self._issues.get(key)
        self._issues[key] = Issue(code, component, text, standing.since if standing else since)
        return standing is None

    def clear_issue(self, code: str, component: str) -> bool:
        """Take an issue back; True when it stood."""
        return self._issues.pop((code, component), None) is not None

    @property
    def components(self) -> Mapping[str, Component]:
        """Every component noted so far, by name."""
        return self._components

    @property
    def issues(self) -> tuple[Issue, ...]:
        """Standing issues, oldest first."""
        return tuple(self._issues.values())

    @property
    def healthy(self) -> bool:
        """True when every component is ok and no issue stands."""
        return not self._issues and all(
            c.state is ComponentState.OK for c in self._components.values()
        )
