"""From a readable list to a signed watchlist: every problem named, photos read in, RFC 8785."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.clock import parse_utc
from agent.core.errors import CheckFailedError, ConfigError
from contract.signing import is_signed_by
from contract.validate import schema_problems, validate_message
from contract.words import Status
from station import documents, sign

NOW_NS = parse_utc("2026-11-21T00:00:00Z")
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))
KEY = Ed25519PrivateKey.generate()

GOOD = """\
- entry_id: W-1
  list: wanted
  authority: County public security bureau
  case_reference: 2026-11-20
  legal_basis: Order of 2026-11-18
  category: theft series
  approvers: [duty-officer, shift-lead]
  not_before: 2026-11-20T00:00:00Z
  expires_at: 2026-12-20T00:00:00Z
  instruction: 不要拦截，请联系值班警官
  photos: [one.jpg]
"""


def write(folder: Path, text: str, name: str = "list.yaml") -> Path:
    (folder / "one.jpg").write_bytes(JPEG)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def make(entries: list[Any], **changed: Any) -> bytes:
    fixed: dict[str, Any] = {
        "station": "cancheng",
        "version": 3,
        "node": "*",
        "status": Status.ACTUAL,
        "issued_at": "2026-11-21T00:00:00.000Z",
    }
    return sign.make_watchlist(entries, KEY, **(fixed | changed))


def test_a_good_list_becomes_a_document_that_a_gate_can_check(tmp_path: Path) -> None:
    entries = sign.read_entries(write(tmp_path, GOOD))
    assert sign.entry_problems(entries, NOW_NS) == []
    data = make(entries)
    document = json.loads(data)
    assert data == rfc8785.dumps(document)
    assert is_signed_by(document, KEY.public_key())
    assert schema_problems("watchlist", document) == []
    assert document["entries"][0]["photos"] == [base64.b64encode(JPEG).decode()]
    assert document["entries"][0]["case_reference"] == "2026-11-20"
    said = "不要拦截，请联系值班警官"
    assert document["entries"][0]["instruction"] == {"en": said, "zh": said}
    assert sign.check_document(data, KEY) == document
    topic = "gh/v1/cancheng/liya-garden/gate-1/desired/watchlist"
    assert validate_message(topic, data, retained=True) == []


def test_json_says_the_same_as_yaml(tmp_path: Path) -> None:
    from_yaml = sign.read_entries(write(tmp_path, GOOD))
    raw = [{**from_yaml[0], "photos": ["one.jpg"]}]
    from_json = sign.read_entries(write(tmp_path, json.dumps(raw), "list.json"))
    wrapped = sign.read_entries(write(tmp_path, json.dumps({"entries": raw}), "whole.json"))
    assert from_json == wrapped == from_yaml


def test_every_problem_of_every_entry_is_named(tmp_path: Path) -> None:
    text = GOOD + (
        GOOD.replace("W-1", "W-2")
        .replace("[duty-officer, shift-lead]", "[duty-officer, Duty-Officer]")
        .replace("2026-12-20", "2027-12-20")
        .replace("list: wanted", "list: suspects")
        + "  nickname: x\n"
    )
    text += "- {list: barred}\n" + GOOD.replace("2026-12-20T00:00:00Z", "2026-11-20T10:00:00Z")
    found = sign.entry_problems(sign.read_entries(write(tmp_path, text)), NOW_NS)
    assert "W-2: list: 'suspects' is not one of ['wanted', 'missing', 'barred']" in found
    assert "W-2: approvers: needs two different persons" in found
    assert "W-2: expires_at: is more than 90 days after not_before" in found
    assert any(line.startswith("W-2: ") and "'nickname'" in line for line in found)
    assert "entry 3: 'instruction' is a required property" in found
    assert "entry 3: needs photos or templates" in found
    assert "W-1: expires_at: is in the past" in found
    assert "W-1: entry_id: stands twice" in found


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("missing.jpg", None, "cannot be read: No such file or directory"),
        ("text.jpg", b"hello", "is neither JPEG nor PNG"),
        ("large.jpg", JPEG + bytes(8 * 1024 * 1024), "is larger than 8388608 bytes"),
    ],
)
def test_an_unfit_photo_is_named(
    tmp_path: Path, name: str, content: bytes | None, problem: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    path = write(tmp_path, GOOD.replace("one.jpg", name))
    with pytest.raises(CheckFailedError, match=f"W-1: photos: {name} {problem}"):
        sign.read_entries(path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hello", "is no list of entries"),
        ("- a: [", "list.yaml"),
        ("- entry_id: W-1\n  entry_id: W-2\n", "line 1: entry_id stands twice"),
        ("- &a {entry_id: W-1}\n- *a\n", "anchors and aliases are not allowed"),
    ],
)
def test_an_unreadable_list_says_why(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(CheckFailedError, match=problem):
        sign.read_entries(write(tmp_path, text))


def test_tags_build_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "- !!python/object/apply:os.getcwd []\n")
    assert sign.entry_problems(sign.read_entries(path), NOW_NS) != []


def test_an_altered_document_is_not_sent(tmp_path: Path) -> None:
    data = make(sign.read_entries(write(tmp_path, GOOD)))
    with pytest.raises(CheckFailedError, match="not the signature"):
        sign.check_document(data.replace(b"theft series", b"theft serieS"), KEY)
    with pytest.raises(CheckFailedError, match="not the signature"):
        sign.check_document(data, Ed25519PrivateKey.generate())
    with pytest.raises(CheckFailedError, match="the document is not a JSON object"):
        sign.check_document(b"[]", KEY)


def test_a_document_goes_to_its_gate_only(tmp_path: Path) -> None:
    entries = sign.read_entries(write(tmp_path, GOOD))
    gate = documents.address_of("liya-garden/gate-1", "cancheng")
    data = make(entries, node=gate.client_id)
    (message,) = documents.desired(gate, data, json.loads(data), KEY)
    assert (message.topic, message.retain) == (f"{gate.base}/desired/watchlist", True)
    other = documents.address_of("cancheng.no3-school.gate-2", "cancheng")
    with pytest.raises(CheckFailedError, match=r"not for cancheng\.no3-school\.gate-2"):
        documents.desired(other, data, json.loads(data), KEY)


def test_a_drills_document_goes_to_the_drill_branch(tmp_path: Path) -> None:
    data = make(sign.read_entries(write(tmp_path, GOOD)), status=Status.EXERCISE)
    gate = documents.address_of("liya-garden/gate-1", "cancheng")
    (message,) = documents.desired(gate, data, json.loads(data), KEY)
    assert message.topic == f"{gate.base}/drill/desired/watchlist"


def test_what_no_message_can_hold_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    (tmp_path / "one.jpg").write_bytes(JPEG + bytes(300_000))
    data = make(sign.read_entries(path))
    gate = documents.address_of("liya-garden/gate-1", "cancheng")
    with pytest.raises(CheckFailedError, match="import the file at the gate"):
        documents.desired(gate, data, json.loads(data), KEY)


@pytest.mark.parametrize("text", ["gate-1", "a/b/c", "elsewhere.liya-garden.gate-1", "A/b", "/"])
def test_no_gate_of_ours(text: str) -> None:
    with pytest.raises(ConfigError):
        documents.address_of(text, "cancheng")


def test_a_look_alikes_photos_are_read_in_and_need_a_basis(tmp_path: Path) -> None:
    other = "  not_this_person:\n  - {legal_basis: their own consent, photos: [one.jpg]}\n"
    (entry,) = sign.read_entries(write(tmp_path, GOOD + other))
    assert sign.entry_problems([entry], NOW_NS) == []
    assert entry["not_this_person"][0]["photos"] == entry["photos"]
    assert json.loads(make([entry]))["entries"][0]["not_this_person"] == entry["not_this_person"]
    nobody = {**entry, "not_this_person": [{"photos": ["bm8gcGhvdG8="]}]}
    told = sign.entry_problems([nobody], NOW_NS)
    assert any("legal_basis" in problem for problem in told)
    assert any(p.endswith("not_this_person.0.photos.0: is neither JPEG nor PNG") for p in told)


def test_three_photos_are_asked_for(tmp_path: Path) -> None:
    (entry,) = sign.read_entries(write(tmp_path, GOOD))
    assert sign.short_of_photos([entry]) == ["W-1"]
    assert sign.short_of_photos([{**entry, "photos": entry["photos"] * 3}]) == []
