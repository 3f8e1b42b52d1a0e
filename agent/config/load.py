"""From a YAML file to a checked configuration, or to the list of everything wrong with it.

Here: reading, validating, naming places. Not here: keeping the last good file
(``agent.config.last_good``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from agent.config.crosscheck import cross_check
from agent.config.problems import Finding, Problem, Spot, from_pydantic, problem, show_path
from agent.config.schema.root import Config
from agent.config.yaml12 import Document, NotYamlError, read
from agent.core.errors import ConfigError


class InvalidConfigError(ConfigError):
    """The file has problems; ``problems`` lists all, the text prints one a line."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration and the exact bytes it came from."""

    config: Config
    source: bytes


def load(path: Path) -> Loaded:
    """Read and check *path*; raises :class:`InvalidConfigError` with every problem at once."""
    try:
        source = path.read_bytes()
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        raise InvalidConfigError([Problem(str(path), 1, 1, "(file)", reason)]) from error
    return Loaded(parse(source, str(path)), source)


def parse(source: bytes, file: str) -> Config:
    """The configuration in *source*; *file* is only shown in problems."""
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source[: error.start].count(b"\n") + 1
        column = error.start - source.rfind(b"\n", 0, error.start)
        found = Problem(file, line, column, "(file)", "is not UTF-8 text; save it as UTF-8")
        raise InvalidConfigError([found]) from error
    try:
        document = read(text)
    except NotYamlError as fault:
        place = fault.place
        found = Problem(file, place.line, place.column, "(file)", fault.message)
        raise InvalidConfigError([found]) from fault
    problems = [Problem(file, p.line, p.column, show_path(at), m) for p, at, m in document.faults]
    if document.value is None:
        document.value = {}
    try:
        config = Config.model_validate(document.value)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems += [from_pydantic(detail, file, document, Config) for detail in details]
        raise InvalidConfigError(sorted(set(problems))) from error
    problems += [_found(file, document, finding) for finding in cross_check(config)]
    if problems:
        raise InvalidConfigError(sorted(set(problems)))
    return config


def _found(file: str, document: Document, finding: Finding) -> Problem:
    if not isinstance(finding, Spot):
        return problem(file, document, *finding)
    place = document.within(finding.path, finding.text, finding.offset)
    return Problem(file, place.line, place.column, show_path(finding.path), finding.message)
