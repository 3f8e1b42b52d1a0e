"""A sentence for people, in both languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence for people in both languages."""

    en: str
    zh: str
