"""A condition of a rule ``type: custom``: an expression about one event, or events over time.

A plain text is an expression. A mapping has one operator (``count``, ``all``, ``any``,
``sequence``, ``lasts``, ``without``) and the times that belong to it. What each means is written in
``rules.temporal``. Here: its form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from agent.config.schema.base import Section

Within = Annotated[float, Field(gt=0, le=86_400)]
Around = Annotated[float, Field(ge=0, le=86_400)]
MOST_PARTS = 32

# Operator: what has to stand beside it, and what may.
FORMS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "matches": (frozenset(), frozenset()),
    "count": (frozenset({"at_least", "within_s"}), frozenset()),
    "all": (frozenset({"within_s"}), frozenset()),
    "any": (frozenset(), frozenset()),
    "sequence": (frozenset({"within_s"}), frozenset()),
    "lasts": (frozenset({"for_s"}), frozenset()),
    "without": (frozenset({"of"}), frozenset({"before_s", "after_s"})),
}


class Condition(Section):
    """One operator and its times."""

    matches: str | None = None
    count: Condition | None = None
    all: Annotated[list[Condition], Field(min_length=2, max_length=8)] | None = None
    any: Annotated[list[Condition], Field(min_length=2, max_length=8)] | None = None
    sequence: Annotated[list[Condition], Field(min_length=2, max_length=8)] | None = None
    lasts: str | None = None
    without: Condition | None = None
    of: Condition | None = None
    at_least: Annotated[int, Field(ge=2, le=1000)] | None = None
    within_s: Within | None = None
    for_s: Within | None = None
    before_s: Around | None = None
    after_s: Around | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return {"matches": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        operators = sorted(given & FORMS.keys())
        if len(operators) != 1:
            told = f"not {' and '.join(operators)}" if operators else "and here is none"
            known = ", ".join(name for name in FORMS if name != "matches")
            raise ValueError(f"a condition is a text or has one of {known}, {told}")
        (operator,) = operators
        needed, allowed = FORMS[operator]
        missing, foreign = needed - given, given - needed - allowed - {operator}
        if missing:
            raise ValueError(f"'{operator}' needs {_listed(missing)}")
        if foreign:
            raise ValueError(f"'{operator}' has no {_listed(foreign)}")
        if operator == "without" and not (self.before_s or self.after_s):
            raise ValueError("'without' needs 'before_s' or 'after_s' above 0")
        return self

    @property
    def operator(self) -> str:
        """Which operator this is."""
        return next(name for name in FORMS if getattr(self, name) is not None)

    def texts(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every expression below here with its path; a plain text stands at the path itself."""
        match self.operator:
            case "matches":
                yield (), self.matches or ""
            case "lasts":
                yield ("lasts",), self.lasts or ""
            case _:
                for path, part in self.parts():
                    yield from (((*path, *deeper), text) for deeper, text in part.texts())

    def parts(self) -> Iterator[tuple[tuple[str | int, ...], Condition]]:
        """The conditions right below this one, with their paths."""
        for name in ("count", "of", "without"):
            part = getattr(self, name)
            if part is not None:
                yield (name,), part
        for name in ("all", "any", "sequence"):
            for index, part in enumerate(getattr(self, name) or ()):
                yield (name, index), part


def _listed(names: frozenset[str] | set[str]) -> str:
    return " and ".join(f"'{name}'" for name in sorted(names))
