"""What holds for the ways of answering now: the configuration, with the current profile over it."""

from __future__ import annotations

from collections.abc import Callable

from agent.config.schema.answering import Answering
from agent.config.schema.guard import PostConfig
from agent.config.schema.profiles import Profile
from agent.config.schema.sla import SlaConfig


class Settings:
    """Asks for the current profile each time; the answers are made once for each."""

    def __init__(self, config: Answering, current: Callable[[], Profile | None]) -> None:
        self._config = config
        self._current = current
        self._posts: dict[int, PostConfig] = {}

    def sla(self) -> SlaConfig:
        """The limits of 1-3-5."""
        profile = self._current()
        return self._config.sla if profile is None or profile.sla is None else profile.sla

    def post(self) -> PostConfig:
        """How the post is asked, and who has to be there."""
        profile = self._current()
        if profile is None:
            return self._config.post
        made = self._posts.get(id(profile))
        if made is None:
            changes: dict[str, object] = dict(profile.post or ())
            if profile.roster is not None:
                changes["roster"] = profile.roster
            made = self._posts[id(profile)] = self._config.post.model_copy(update=changes)
        return made

    def heartbeat_s(self, usual_s: float) -> float:
        """How often the gate says that it is alive."""
        profile = self._current()
        own_s = None if profile is None else profile.heartbeat_s
        return usual_s if own_s is None else own_s
