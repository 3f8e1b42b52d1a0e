"""The index that travels beside ``Gallery``: whose rows of the matrix are whose, as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from agent.border.messages import LATE, STRICT, BorderError, EntryName

INDEX_LINE = 1024


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """An entry's rows in the matrix: templates, then ``look_alikes``, who are not the person."""

    __pydantic_config__ = STRICT
    entry_id: EntryName
    exercise: bool
    templates: Annotated[int, Field(ge=1, le=64)]
    look_alikes: Annotated[int, Field(ge=0, le=64)] = 0


_INDEX: TypeAdapter[list[GalleryRow]] = TypeAdapter(list[GalleryRow], config=LATE)


def encode_index(rows: list[GalleryRow]) -> bytes:
    """The index that travels with ``Gallery``."""
    parts = range(0, max(len(rows), 1), INDEX_LINE)
    return b"\n".join(_INDEX.dump_json(rows[at : at + INDEX_LINE]) for at in parts)


def decode_index(data: bytes) -> list[GalleryRow]:
    """The rows of an index; BorderError when they are malformed."""
    return [row for part in decode_index_in_parts(data) for row in part]


def decode_index_in_parts(data: bytes) -> Iterator[list[GalleryRow]]:
    """The same, a line at a time."""
    try:
        yield from map(_INDEX.validate_json, data.split(b"\n"))
    except ValidationError as error:
        raise BorderError("the gallery's index is malformed") from error
