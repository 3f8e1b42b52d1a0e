"""Whatever arrives from outside, the gate goes on and does nothing by mistake."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.border.gallery_index import decode_index
from agent.border.messages import BorderError, decode_from_core, decode_from_vision
from agent.config.load import InvalidConfigError, parse
from agent.core.clock import ManualClock
from tests.support.chunks import chunk, manifest
from tests.support.samples import ADDRESS, GATE_YAML
from tests.support.signed import command, listed, to_bytes, watchlist
from tests.support.station import Gate

OWN = [
    *(ADDRESS.topic(*parts, drill=drill)
      for drill in (False, True)
      for parts in (("ack",), ("cmd", "rebirth"), ("cmd", "wipe"), ("desired", "watchlist"),
                    ("desired", "plates"), ("desired", "watchlist", "1"), ("cmd", ""), ("state",))),
    ADDRESS.host_state(),
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
OF_ALERTS, OF_COMMANDS = ["alert_id", "stage", "by"], ["cmd_id", "name", "counter", "args", "nonce"]
OF_DOCUMENTS = ["doc", "entries", "chunks", "n", "status", "sig"]
WORDS = st.sampled_from([*OF_ALERTS, *OF_COMMANDS, *OF_DOCUMENTS, "online"])
SHAPED = st.dictionaries(WORDS, JSON, max_size=6)
PAYLOADS = st.binary(max_size=200) | (JSON | SHAPED).map(lambda value: json.dumps(value).encode())
TOPICS = st.sampled_from(OWN) | st.text(max_size=60) | st.lists(
    st.sampled_from([*ADDRESS.base.split("/"), "drill", "ack", "cmd", "", "+", "#"]), max_size=9
).map("/".join)  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(st.lists(st.tuples(TOPICS, PAYLOADS, st.booleans()), min_size=1, max_size=5))
def test_nothing_that_arrives_stops_the_gate_or_makes_it_act(
    messages: list[tuple[str, bytes, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        gate = Gate(Path(folder), ManualClock())
        for topic, payload, retained in messages:
            gate.hear(topic, payload, retained=retained)
        assert gate.done == []
        assert gate.watchlist.listing() == []
        for topic, body, _ in gate.published:
            assert topic.startswith(ADDRESS.base)
            assert body.get("outcome", "refused") == "refused"


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_signed_document_with_bytes_changed_is_applied_as_signed_or_not_at_all(
    data: st.DataObject,
) -> None:
    clock = ManualClock()
    part = chunk(1, [listed(clock)])
    documents = {
        "desired/watchlist": watchlist(clock, [listed(clock)]),
        "desired/watchlist/1": part,
        "cmd/rebirth": to_bytes(command(clock)),
    }
    where = data.draw(st.sampled_from(sorted(documents)))
    payload = bytearray(documents[where])
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        gate = Gate(Path(folder), clock)
        if where.endswith("1"):
            gate.hear(ADDRESS.topic("desired", "watchlist"), manifest(clock, [part], 1))
        gate.hear(ADDRESS.topic(*where.split("/")), bytes(payload))
        if bytes(payload) != documents[where]:
            assert gate.done == []
            assert gate.watchlist.listing() == []


@settings(deadline=None, max_examples=300)
@given(PAYLOADS)
def test_whatever_the_other_program_says_is_understood_or_refused(payload: bytes) -> None:
    for decode in (decode_from_vision, decode_from_core, decode_index):
        try:
            decode(payload)
        except BorderError:
            continue


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_whatever_stands_in_a_configuration_file_is_valid_or_a_list_of_problems(
    data: st.DataObject,
) -> None:
    source = bytearray(GATE_YAML.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(source) - 1))
        source[at : at + data.draw(st.integers(0, 12))] = data.draw(
            st.binary(max_size=6)
            | st.sampled_from([b"\n", b": ", b"- ", b"{", b"[", b"!!x ", b"&a "])
        )
    lines = problems(bytes(source))
    assert all(re.match(r"gate\.yaml:[1-9]\d*:[1-9]\d*: ", line) for line in lines)


def problems(source: bytes) -> list[str]:
    try:
        parse(source, "gate.yaml")
    except InvalidConfigError as error:
        return str(error).split("\n")
    return []
