"""``contract/asyncapi.yaml`` is AsyncAPI 3.0 by its publishers' JSON Schema and says what we do.

The published schema cannot see every rule of the specification (what a reference points at, names
in an address); those are tested here too.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from contract import asyncapi
from contract.asyncapi import Channel, channels, messages, parameters, references
from contract.routes import EVIDENCE, GATE_RULES, NOT_DRILLED, STATION_RULES, Rule, route
from contract.topics import Address, station_subscriptions
from contract.validate import SCHEMA_ROOT, schema_names, whole_schema
from contract.words import MAX_MESSAGE_BYTES, CommandName, Document

REPO = Path(__file__).parents[2]
PUBLISHED = REPO / "contract" / "third_party" / "asyncapi" / "3.0.0.json"
CONTRACT = resources.files("contract")
CHANNELS = {channel.key: channel for channel in channels()}
GATE = Address("cancheng", "liya-garden", "gate-1")
PLACES = {"{alert_id}": "*", "{id}": "*", "{name}": "{command}", "{area}": "{id}"}


def published() -> Draft7Validator:
    return Draft7Validator(json.loads(PUBLISHED.read_bytes()), format_checker=FormatChecker())


def faults(document: Any) -> list[str]:
    return [error.json_path for error in published().iter_errors(document)]


def test_the_yardstick_is_the_published_one() -> None:
    digest = hashlib.sha256(PUBLISHED.read_bytes()).hexdigest()
    assert digest in (PUBLISHED.parent / "README.md").read_text(encoding="utf-8")
    assert digest == "d4571a420e6ffb7fcc7066c95a6db1202f299a3c51daa103d0706bf30f95e626"


def test_the_document_is_valid_asyncapi() -> None:
    assert faults(asyncapi.document()) == []


def test_so_it_is_with_every_schema_and_example_within() -> None:
    whole = asyncapi.bundle()
    assert faults(whole) == []
    assert all(ref.startswith("#/") for ref in references(whole))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("asyncapi", "2.6.0"),
        ("operations/sendAlert/action", "publish"),
        ("components/operationBindings/stored/mqtt/qos", 3),
        ("components/operationBindings/stored/mqtt/retained", True),
        ("channels/alert/address", 7),
        ("channels/alert/parameters/station", {"schema": {"type": "string"}}),
        ("components/messages/alert/payload/type", "alarm"),
        ("components/messages/alert/examples/0/payload", None),
        ("servers/station/protocol", None),
    ],
)
def test_the_yardstick_finds_what_is_wrong(path: str, value: Any) -> None:
    broken = copy.deepcopy(asyncapi.bundle())
    *above, last = path.split("/")
    place = broken
    for part in above:
        place = place[int(part)] if isinstance(place, list) else place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    assert faults(broken)


def test_every_reference_leads_somewhere() -> None:
    for ref in references(asyncapi.document()):
        if ref.startswith("#/"):
            place = asyncapi.document()
            for part in ref[2:].split("/"):
                place = place[part]
        else:
            assert (CONTRACT / ref).is_file()


def test_a_channel_declares_what_stands_in_its_address() -> None:
    for channel in CHANNELS.values():
        assert sorted(re.findall(r"{(\w+)}", channel.address)) == sorted(channel.parameters)
    addresses = [channel.address for channel in CHANNELS.values()]
    assert len(set(addresses)) == len(addresses)


def test_every_channel_has_one_operation_and_answers_are_channels_the_other_way() -> None:
    document = asyncapi.document()
    assert len(document["operations"]) == len(document["channels"]) == len(CHANNELS)
    for key, operation in document["operations"].items():
        channel = CHANNELS[operation["channel"]["$ref"].rpartition("/")[2]]
        assert key == channel.action + channel.key[0].upper() + channel.key[1:]
        if channel.reply is not None:
            assert CHANNELS[channel.reply].action != channel.action


def expected() -> Iterator[tuple[str, Rule]]:
    """Every topic of the table in the code, as a pattern, with its rule."""
    for pattern, rule in GATE_RULES.items():
        yield f"~/{pattern}", rule
        if pattern.split("/")[0] not in NOT_DRILLED:
            yield f"~/drill/{pattern}", rule
    for pattern, rule in STATION_RULES.items():
        yield f"gh/v1/{{station}}/{pattern}", rule


def described() -> Iterator[tuple[str, Rule]]:
    """The same, as the document has it."""
    for channel in CHANNELS.values():
        address = channel.address.replace("gh/v1/{station}/{site}/{node}", "~")
        for name, word in PLACES.items():
            address = address.replace(name, word)
        address = address.replace("{site}/{node}", "{id}/{id}")
        if address.startswith("~") and "report/" in address:
            address = address.replace("{id}", "*")
        down = channel.action == "receive"
        schema, expiry_s = channel.message.schema or EVIDENCE, channel.expiry_s
        yield address, Rule(schema, channel.qos, channel.retained, down, expiry_s)


def test_document_and_code_have_the_same_topics() -> None:
    assert dict(described()) == dict(expected())


@pytest.mark.parametrize("key", CHANNELS)
def test_a_topic_made_from_the_document_is_routed(key: str) -> None:
    channel = CHANNELS[key]
    found = route(example_topic(channel))
    assert found is not None
    assert (found.rule.schema, found.rule.qos) == (channel.message.schema or EVIDENCE, channel.qos)
    assert found.drill is ("/drill/" in channel.address)


def example_topic(channel: Channel) -> str:
    examples = {parameter.name: parameter.example for parameter in parameters()}
    return channel.address.format(**examples)


def fits(topic_filter: str, topic: str) -> bool:
    pattern = "/".join("[^/]+" if part == "+" else part for part in topic_filter.split("/"))
    return re.fullmatch(pattern, topic) is not None


def dots_lost(topic: str) -> str:
    """The topic as RabbitMQ delivers it."""
    return topic.replace(".", "/")


def test_both_sides_subscribe_to_what_the_other_sends() -> None:
    topics = {key: example_topic(channel) for key, channel in CHANNELS.items()}
    unheard = {key for key, channel in CHANNELS.items() if channel.action == "send"}
    for topic_filter in station_subscriptions("cancheng"):
        heard = {key for key, topic in topics.items() if fits(topic_filter, topic)}
        assert heard
        assert {CHANNELS[key].action for key in heard} == {"send"}
        unheard -= heard
    assert unheard == set()
    for topic_filter in GATE.subscriptions():
        heard = {key for key, topic in topics.items() if fits(topic_filter, topic)}
        heard |= {key for key, topic in topics.items() if fits(topic_filter, dots_lost(topic))}
        assert heard
        assert {CHANNELS[key].action for key in heard} == {"receive"}


def test_every_schema_and_every_example_is_referenced() -> None:
    found = set(references(asyncapi.document()))
    schemas = {ref[8:-5] for ref in found if ref.startswith("schemas/")}
    for name in [*schemas]:
        text = (CONTRACT / "schemas" / f"{name}.json").read_text(encoding="utf-8")
        schemas |= {ref.removeprefix(f"{SCHEMA_ROOT}:").partition("#")[0] for ref in within(text)}
    assert schemas == set(schema_names())
    examples = {ref for ref in found if ref.startswith("examples/")}
    kept = {f"examples/{file.name}" for file in (CONTRACT / "examples").iterdir()}
    assert kept - examples == {"examples/trusted-keys.json"}


def within(text: str) -> list[str]:
    return re.findall(rf'"\$ref": "({SCHEMA_ROOT}:[^"]+)"', text)


def test_an_example_stands_with_its_own_schema() -> None:
    for message in messages():
        assert message.schema is None or message.examples
        for example in message.examples:
            assert example.file.split(".")[0] == message.schema


def test_words_in_topics_are_the_codes() -> None:
    words = {parameter.name: parameter.words for parameter in parameters()}
    assert words["name"] == tuple(CommandName)
    assert words["doc"] == tuple(Document)
    assert set(words["kind"]) == set(whole_schema("report")["properties"]["kind"]["enum"])


def test_a_picture_is_bounded_as_in_the_code() -> None:
    payload = asyncapi.document()["components"]["messages"]["evidence"]["payload"]
    assert payload["maxLength"] == MAX_MESSAGE_BYTES


NEWER = {"prefixItems", "unevaluatedProperties", "unevaluatedItems", "dependentRequired",
         "dependentSchemas", "minContains", "maxContains", "$dynamicRef", "$anchor"}  # fmt: skip


@pytest.mark.parametrize("name", schema_names())
def test_a_schema_means_the_same_in_draft_7(name: str) -> None:
    """AsyncAPI's own schema format extends draft 7; ours are written for 2020-12."""
    whole = whole_schema(name)
    Draft7Validator.check_schema(whole)
    assert not NEWER & set(keys(whole))
    for message in messages():
        for example in message.examples if message.schema == name else ():
            text = (CONTRACT / "examples" / example.file).read_text(encoding="utf-8")
            Draft7Validator(whole).validate(json.loads(text))


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)
