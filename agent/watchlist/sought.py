"""Arguments of orders that bring a face: ``track.start``, ``search.start`` and their ends.

Each start holds a whole entry, checked as strictly as the watchlist's, and names the gates that
look. Here: their form, and what of them may be remembered in the clear: never the face.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agent.border.orders import Person, StrictArgs, Why
from agent.watchlist.entry import Entry, MissingEntry
from contract.topics import ID_PATTERN

Gate = Annotated[str, Field(pattern=rf"^{ID_PATTERN}\.{ID_PATTERN}\.{ID_PATTERN}$")]


class Start(StrictArgs):
    """What both starts have. ``lower_threshold``: likenesses for review go up as well, marked."""

    nodes: Annotated[list[Gate], Field(min_length=1, max_length=64)]
    by: Person
    reason: Why
    lower_threshold: bool = False


class TrackStart(Start):
    """``track.start``. ``silent``: nothing of it shows or sounds at the gate."""

    entry: Entry
    silent: bool = False


class SearchStart(Start):
    """``search.start``."""

    entry: MissingEntry
    silent: bool = False


class SoughtStop(StrictArgs):
    """``track.stop`` and ``search.stop``; ``found``: because the person was found."""

    entry_id: Annotated[str, Field(min_length=1, max_length=64)]
    by: Person
    reason: Why
    found: bool = False
