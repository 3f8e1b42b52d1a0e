"""Every example fits its schema, every schema has an example, and signatures in examples hold."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contract import checks
from contract.signing import content_hash, is_signed_by, read_trusted_keys
from contract.validate import schema_names, schema_problems
from contract.words import (
    MAX_VERSION,
    CommandName,
    Document,
    Kind,
    ListName,
    MsgType,
    Outcome,
    Role,
    Severity,
    Stage,
    Status,
    Urgency,
)
from tests.tools import sign_examples

EXAMPLES = resources.files("contract") / "examples"
SCHEMAS = resources.files("contract") / "schemas"
NAMES = sorted(f.name for f in EXAMPLES.iterdir() if f.name != "trusted-keys.json")
_SIGNED = ("watchlist", "document", "cmd", "task", "area-bulletin")
SIGNED = [n for n in NAMES if n.split(".")[0] in _SIGNED or n == "area-call.station.json"]


def schema_of(name: str) -> str:
    return name.partition(".")[0]


def example(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(encoding="utf-8"))


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_example_fits_its_schema(name: str) -> None:
    value = example(name)
    assert schema_problems(schema_of(name), value) == []
    if name.startswith("watchlist-entry"):
        assert list(checks.entry(value)) == []


def test_every_schema_has_an_example() -> None:
    shown = {name.split(".")[0] for name in NAMES}
    assert set(schema_names()) - shown == {"common", "face-lead"}


@pytest.mark.parametrize("name", schema_names())
def test_schema_is_a_schema_that_names_itself(name: str) -> None:
    body = schema(name)
    Draft202012Validator.check_schema(body)
    assert body["$id"] == f"urn:gatehouse:contract:v1:{name}"
    assert body["description"]


@pytest.mark.parametrize("name", SIGNED)
def test_signed_example_is_signed_by_its_role(name: str) -> None:
    trusted = read_trusted_keys((EXAMPLES / "trusted-keys.json").read_bytes())
    value = example(name)
    role = Role(value.get("role") or CommandName(value["name"]).role)
    assert is_signed_by(value, trusted.keys[role])
    assert not is_signed_by({**value, "issuer": "elsewhere"}, trusted.keys[role])


def test_examples_are_as_the_tool_signs_them() -> None:
    assert {path.name for path in sign_examples.files()} == set(SIGNED)
    for path in sign_examples.files():
        text = path.read_text(encoding="utf-8")
        assert text == sign_examples.text_of(sign_examples.signed(json.loads(text)))


def test_the_chunked_example_names_its_chunk() -> None:
    data = (EXAMPLES / "chunk.watchlist.1.json").read_bytes()
    whole, manifest = example("watchlist.json"), example("watchlist.chunked.json")
    assert manifest["chunks"] == [{"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}]
    assert manifest["hash"] == content_hash(whole)
    assert example("chunk.watchlist.1.json")["entries"] == whole["entries"]


@pytest.mark.parametrize("name", ["watchlist", "document.roster"])
def test_an_empty_list_says_so_and_no_other(name: str) -> None:
    whole = example(f"{name}.json")
    schema_name = schema_of(f"{name}.json")
    bare = {**whole, "entries": []}
    assert [str(p) for p in schema_problems(schema_name, bare)] == [
        "'empty' is a required property"
    ]
    assert schema_problems(schema_name, {**bare, "empty": True}) == []
    both = schema_problems(schema_name, {**whole, "empty": True})
    assert [str(p) for p in both] == ["says 'empty' although it is not"]
    del bare["entries"]
    assert "has neither 'entries' nor" in str(schema_problems(schema_name, bare)[0])


def strict_objects(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") == "object" and "properties" in value:
            yield path, value
        for key, inner in value.items():
            yield from strict_objects(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from strict_objects(inner, f"{path}/{number}")


def test_only_cloud_events_and_components_are_open() -> None:
    found = {
        (name, path)
        for name in schema_names()
        for path, inner in strict_objects(schema(name))
        if inner.get("additionalProperties") is not False
    }
    opened = "/properties/components/additionalProperties"
    assert found == {("alert", ""), ("event", ""), ("hb", opened)}


def test_words_and_schemas_say_the_same() -> None:
    data = schema("alert")["properties"]["data"]["properties"]
    defs = schema("common")["$defs"]
    pairs: list[tuple[Iterable[str], Any]] = [
        ([kind.event_type for kind in Kind], schema("alert")["properties"]["type"]["enum"]),
        (list(MsgType), schema("alert")["properties"]["msgtype"]["enum"]),
        (list(Severity), data["severity"]["enum"]),
        (list(Urgency), data["urgency"]["enum"]),
        (list(Status), defs["status"]["enum"]),
        (list(Role), defs["role"]["enum"]),
        (list(Stage), schema("ack")["properties"]["stage"]["enum"]),
        (list(Outcome), schema("result")["properties"]["outcome"]["enum"]),
        (list(CommandName), schema("cmd")["properties"]["name"]["enum"]),
        (list(Document), schema("document")["properties"]["doc"]["enum"]),
        (list(ListName), schema("watchlist-entry")["properties"]["list"]["enum"]),
    ]
    for words, enum in pairs:
        assert [str(word) for word in words] == enum
    for version in (defs["version"], schema("reported")["properties"]["version"]):
        assert version["maximum"] == MAX_VERSION


@pytest.mark.parametrize(
    "name", ["alert.panic.json", "hb.json", "ack.received.json", "watchlist-entry.photo.json"]
)
def test_every_required_field_is_missed_by_name(name: str) -> None:
    whole = example(name)
    required = schema(schema_of(name))["required"]
    for field in required:
        broken = copy.deepcopy(whole)
        del broken[field]
        assert any(f"'{field}'" in p.text for p in schema_problems(schema_of(name), broken))


@pytest.mark.parametrize("forbidden", ["name", "image", "photo", "template", "embedding"])
def test_a_face_lead_carries_no_person(forbidden: str) -> None:
    lead = example("alert.face-lead.json")
    lead["data"]["details"][forbidden] = "x"
    problems = schema_problems("alert", lead)
    assert [p.path for p in problems] == ["data.details"]
    assert forbidden in problems[0].text


@pytest.mark.parametrize("liveness", ["live", 0.98, None, "PASS"])
def test_liveness_is_one_of_three_words(liveness: object) -> None:
    lead = example("alert.face-lead.json")
    lead["data"]["details"]["liveness"] = liveness
    assert [p.path for p in schema_problems("alert", lead)] == ["data.details.liveness"]


def test_a_face_lead_asks_for_a_person() -> None:
    lead = example("alert.face-lead.json")
    lead["data"]["details"]["confirm"] = "done"
    assert [p.path for p in schema_problems("alert", lead)] == ["data.details.confirm"]
