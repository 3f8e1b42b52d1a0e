"""An entry as people at the gate are shown it: no name, no photo, no template."""

from __future__ import annotations

from dataclasses import dataclass

from agent.watchlist.entry import Stored


@dataclass(frozen=True, slots=True)
class Listing:
    """One entry for people.

    ``state`` is active, waiting (for templates or its time), resend (its templates are of another
    embedder: the station must send its photos again) or over.
    """

    entry_id: str
    list: str
    status: str
    state: str
    category: str
    authority: str
    expires_at_ns: int
    templates: int


def listed(entry: Stored, now_ns: int, model_id: str | None, *, stranded: bool) -> Listing:
    """*entry* at *now_ns*; *model_id* of the embedder that runs, None when none does."""
    usable = [rows for m, rows in entry.templates.items() if model_id in (None, m)]
    templates = sum(len(rows) for rows in usable)
    if entry.expires_ns <= now_ns:
        state = "over"
    elif stranded:
        state = "resend"
    elif entry.not_before_ns > now_ns or not templates:
        state = "waiting"
    else:
        state = "active"
    return Listing(
        entry.entry_id,
        entry.listed.value,
        entry.status.value,
        state,
        entry.facts["category"],
        entry.facts["authority"],
        entry.expires_ns,
        templates,
    )
