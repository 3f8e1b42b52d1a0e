"""Is this message one that contract version 1 allows? Every problem named, nothing raised.

Here: bodies against ``contract/schemas`` (JSON Schema 2020-12) and the rules that a schema cannot
say. A sender has to have no problem at all. A receiver may overlook a :class:`Problem` that is
``tolerable`` (a field or a kind it does not know), so that an alarm from a newer gate still counts.
Not here: signatures (``contract.signing``), topics (``contract.routes``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from contract import checks, quick
from contract.routes import EVIDENCE, Route, publish_problems, route
from contract.signing import strict_json
from contract.words import MAX_ALERT_BYTES, MAX_MESSAGE_BYTES

SCHEMA_ROOT = "urn:gatehouse:contract:v1"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: ``path`` as in ``data.at.utc`` (empty: the whole message)."""

    path: str
    text: str
    tolerable: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


@dataclass(frozen=True, slots=True)
class Checked:
    """A message with everything wrong about it; ``body`` is None when it is no JSON object."""

    route: Route | None
    body: dict[str, Any] | None
    problems: tuple[Problem, ...]

    @property
    def usable(self) -> bool:
        """True when a receiver can work with it: no problem, or tolerable ones only."""
        return all(problem.tolerable for problem in self.problems)


def validate_message(topic: str, payload: bytes, retained: bool) -> list[str]:  # noqa: FBT001
    """Every problem of one message; *retained* is the flag that its publisher set.

    Live subscribers see that flag only with MQTT 5's *retain as published*. An empty message that
    is retained clears what stands on a topic of that kind.
    """
    checked = check_message(topic, payload)
    if not payload and retained and checked.route is not None and checked.route.rule.retained:
        return []
    found = [] if checked.route is None else publish_problems(checked.route, retained=retained)
    return [*found, *map(str, checked.problems)]


def check_message(topic: str, payload: bytes) -> Checked:
    """The body of *payload* and its problems, whatever the bytes are; QoS and retain aside."""
    found = route(topic)
    if found is None:
        return Checked(None, None, (Problem("", "is not a topic of contract version 1"),))
    if not payload:
        return Checked(found, None, (Problem("", "is empty"),))
    if found.rule.schema == EVIDENCE:
        return Checked(found, None, tuple(map(_plain, checks.picture(payload))))
    limit = MAX_ALERT_BYTES if found.rule.schema == "alert" else MAX_MESSAGE_BYTES
    try:
        body = strict_json(payload, limit)
    except ValueError as error:
        return Checked(found, None, (Problem("", str(error)),))
    problems = (*schema_problems(found.rule.schema, body), *map(_rule, checks.body(found, body)))
    return Checked(found, body, problems)


def schema_problems(schema: str, value: Any) -> list[Problem]:
    """Problems of *value* by the schema of that name, each with the path to its place."""
    if _surely_fit(schema)(value):
        return []
    return named_problems(schema, value)


def named_problems(schema: str, value: Any) -> list[Problem]:
    """The same without the short way of ``contract.quick``."""
    errors = sorted(_validator(schema).iter_errors(value), key=lambda e: [*map(str, e.path)])
    return [_problem(error) for error in errors]


def schema_names() -> list[str]:
    """Every schema of the contract, by the name of its file."""
    return sorted(_schemas())


def _plain(text: str) -> Problem:
    return Problem("", text)


def _rule(broken: checks.Broken) -> Problem:
    return Problem(broken.path, broken.text, broken.tolerable)


def _problem(error: ValidationError) -> Problem:
    keyword, schema = str(error.validator), error.schema
    notes: Mapping[str, Any] = schema if isinstance(schema, Mapping) else {}
    text = notes.get("x-problem", {}).get(keyword) or _shortened(error.message)
    tolerable = keyword == "additionalProperties" or keyword in notes.get("x-tolerate", ())
    return Problem(".".join(map(str, error.absolute_path)), text, tolerable)


def _shortened(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:120]} ... {message[-70:]}"


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    folder = resources.files("contract") / "schemas"
    files = [file for file in folder.iterdir() if file.name.endswith(".json")]
    return {file.name[:-5]: json.loads(file.read_text(encoding="utf-8")) for file in files}


def whole_schema(name: str) -> dict[str, Any]:
    """The schema of that name with every reference replaced by what it names."""
    whole: dict[str, Any] = _inlined(_schemas()[name])
    return whole


@cache
def _validator(schema: str) -> Validator:
    validator: Validator = _strict()(whole_schema(schema), format_checker=_formats())
    return validator


def _inlined(schema: Any) -> Any:
    """*schema* with every reference replaced by what it names: half the time, none is cyclic."""
    if isinstance(schema, list):
        return [_inlined(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    target = schema.get("$ref")
    if target is None:
        return {key: _inlined(value) for key, value in schema.items()}
    name, _, place = target.removeprefix(f"{SCHEMA_ROOT}:").partition("#")
    found: Any = _schemas()[name]
    for key in place.split("/")[1:]:
        found = found[key]
    return _inlined(found) | {key: value for key, value in schema.items() if key != "$ref"}


@cache
def _surely_fit(schema: str) -> Callable[[Any], bool]:
    try:
        return quick.compiled(whole_schema(schema))
    except ValueError:
        return lambda _: False


def _formats() -> FormatChecker:
    checker = FormatChecker(formats=())
    checker.checks("date-time")(_is_date_time)
    return checker


def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or quick.is_time(value)


def _pattern(
    _validator: Any, pattern: str, instance: object, _schema: object
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and quick.searched(pattern)(instance) is None:
        yield ValidationError(f"{instance!r} is not of the form {pattern}")


@cache
def _strict() -> Any:
    keywords: Mapping[str, Callable[..., Any]] = {"pattern": _pattern}
    return extend(Draft202012Validator, validators=keywords)  # type: ignore[no-untyped-call]
