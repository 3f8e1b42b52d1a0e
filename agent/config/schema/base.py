"""What all sections of the configuration share: the strict model, names, texts, secrets by file.

Here: pydantic types with the limits of CONTRACT 1 and 7. Not here: reading files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from agent.core.secret import scrub
from contract.topics import ID_PATTERN
from contract.words import Kind


class Section(BaseModel):
    """A mapping of the configuration: unknown keys are errors, types are strict, values frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """As it stands in the file, but for logins and passwords in URLs."""
        for name, value in super().__repr_args__():
            yield name, scrub(value) if isinstance(value, str) else value


def forget_reading() -> None:
    """Give up what pydantic needs to read sections, for a program that reads no second file.

    Configurations that were read stay as they are; reading another one, or dumping one, is an
    error from now on.
    """
    each = [Section]
    while each:
        section = each.pop()
        each += section.__subclasses__()
        for name in _READING & section.__dict__.keys():
            delattr(section, name)


# Three megabytes with all of a gate's sections.
_READING = {
    "__pydantic_core_schema__",
    "__pydantic_decorators__",
    "__pydantic_serializer__",
    "__pydantic_validator__",
    "__signature__",
}


Id = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
Seconds = Annotated[float, Field(gt=0, le=7 * 86_400)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Pin = Annotated[int, Field(ge=0, le=63, description="BCM number of the GPIO line")]
Fraction = Annotated[float, Field(ge=0, le=1)]
KindName = Annotated[Kind, Field(strict=False, description="kind of an alert")]


def _to_path(value: object) -> object:
    return Path(value) if isinstance(value, str) and value else value


AnyPath = Annotated[Path, BeforeValidator(_to_path)]


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError(f"must be an absolute path, starting with '/', not {str(path)!r}")
    return path


AbsolutePath = Annotated[AnyPath, AfterValidator(_absolute)]


def _by_its_path(argv: list[str]) -> list[str]:
    if argv and not argv[0].startswith("/"):
        raise ValueError("must start with a program's absolute path")
    return argv


ByItsPath = AfterValidator(_by_its_path)


def in_order(first: str, then: str) -> Any:
    """The check of a section that its field *first* is less than *then*."""

    def checked(section: Section) -> Section:
        if getattr(section, first) >= getattr(section, then):
            raise ValueError(f"'{first}' must be less than '{then}'")
        return section

    return model_validator(mode="after")(checked)


class Label(Section):
    """A name that people read, in both languages. A plain string stands for both."""

    en: Annotated[str, Field(min_length=1, max_length=80)]
    zh: Annotated[str, Field(min_length=1, max_length=80)]

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"en": value, "zh": value}
        if isinstance(value, Mapping) and len(value) == 1 and {"en", "zh"} & set(value):
            (only,) = value.values()
            return {"en": only, "zh": only}
        return value
