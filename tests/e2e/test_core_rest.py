"""What a whole core leaves on its disk: sealed, chained, and usable after every kind of loss."""

from __future__ import annotations

import asyncio
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from agent.audit.folder import files_of
from agent.files.key_file import CREDENTIAL
from tests.support.core import Person, Site, Status
from tests.support.wiping import CASE, CODE, NAME, PLANTED, document, raw
from tests.support.wiping import site as planted_site
from tests.tools.program import gatehouse, run_to_end


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return planted_site(tmp_path)


async def a_day(person: Person) -> Status:
    """A list is imported and looked at, and a button is pressed."""
    await person.ask("watchlist.import", document=document())
    await person.ask("watchlist.list")
    await person.press()
    return await person.until(lambda s: s["outbox"]["pending"])


def records(site: Site) -> list[dict[str, Any]]:
    folder = site.data / "audit"
    return [json.loads(line) for p in files_of(folder) for line in p.read_bytes().splitlines()]


def issues(status: Status) -> set[str]:
    return {issue["code"] for issue in status["issues"]}


def test_a_raw_scan_finds_no_name_code_or_template(site: Site) -> None:
    async def day_and_scan(person: Person) -> None:
        await a_day(person)
        found = raw(site.data)
        assert b"/alert" in found, "the scan sees the outbox: topics stay plain"
        assert [planted for planted in PLANTED if planted in found] == []

    site.live(day_and_scan)
    left = raw(site.data)
    assert [planted for planted in PLANTED if planted in left] == []
    assert len(site.live(lambda person: person.ask("watchlist.list"))["entries"]) == 1
    assert site.live(Person.waiting)


def test_a_bundle_of_a_gate_with_a_list_holds_none_of_it(site: Site, tmp_path: Path) -> None:
    config, out = site.write_config(tmp_path / "gate.yaml"), tmp_path / "bundle.tar.gz"

    async def day_and_bundle(person: Person) -> Any:
        await a_day(person)
        command = gatehouse("bundle", "--config", config, "--out", out, "--json")
        return await asyncio.to_thread(run_to_end, command, timeout_s=60.0)

    said = site.live(day_and_bundle)
    assert said.returncode == 0, said.stderr
    with tarfile.open(out) as archive:
        files = {Path(m.name).name: archive.extractfile(m) for m in archive.getmembers()}
        parts = {name: file.read() for name, file in files.items() if file is not None}
    assert json.loads(parts["status.json"])["open_incidents"] == {"panic": 1}
    assert json.loads(parts["audit.json"])["newest"]["n"] >= 1
    assert "watchlist.json" in json.loads(parts["machine.json"])["files"]
    found = b"".join(parts.values()) + said.stdout.encode()
    assert [planted for planted in PLANTED if planted in found] == []
    assert b"w-1" not in found


def test_the_scan_would_find_what_is_planted(site: Site) -> None:
    site.data.mkdir()
    (site.data / "notes").write_bytes(b" ".join(PLANTED))
    assert all(planted in raw(site.data) for planted in PLANTED)


def test_what_was_plain_is_read_once_and_sealed(site: Site, monkeypatch: Any) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("agent.files.sealed.Sealer.seal", lambda _, data, *__: data)
        patch.setattr("agent.outbox.sealed_store.SealedStore._name", lambda _, name, __: name)
        patch.setattr("agent.files.keys.Keys.done", lambda *_: False)
        patch.setattr("agent.vault.Vault.mac_key", lambda _: None)
        site.live(a_day)
    before = raw(site.data)
    assert CASE.encode() in before
    assert CODE.encode() in before

    async def sealed(person: Person) -> set[str]:
        await person.until(lambda _: not person.core._stores.vault.keys.pending)
        return await person.waiting()

    assert site.live(sealed)
    assert CASE.encode() not in raw(site.data)
    listing = site.live(lambda person: person.ask("watchlist.list"))
    assert [entry["category"] for entry in listing["entries"]] == [NAME]


def test_keys_are_rotated_while_the_gate_works(site: Site) -> None:
    async def rotated(person: Person) -> tuple[str, set[str]]:
        await a_day(person)
        await person.until(lambda _: not person.core._stores.vault.keys.pending)
        before = (await person.ask("keys.show"))["key"]
        begun = await person.ask("keys.rotate")
        assert begun["key"] != before
        await person.until(lambda _: not person.core._stores.vault.keys.pending)
        state = await person.ask("keys.show")
        assert (state["older"], state["pending"]) == ([], [])
        verdict = await person.ask("audit.verify")
        assert (verdict["intact"], verdict["vouched"]) == (True, True)
        return before, await person.waiting()

    old, kept = site.live(rotated)
    assert [path.name for path in (site.data / "keys").iterdir() if old in path.name] == []
    assert bytes.fromhex(old) not in raw(site.data / "keys")
    assert kept
    assert kept <= site.live(Person.waiting)
    assert [r["what"]["did"] for r in records(site) if r["kind"] == "keys"] == [
        "rotate",
        "destroy-older",
    ]


def test_without_its_key_the_gate_works_and_says_what_it_cannot_read(site: Site) -> None:
    site.live(a_day)
    for path in (site.data / "keys").iterdir():
        path.unlink()

    async def after(person: Person) -> Status:
        await person.press()
        await person.until(lambda s: s["incidents"] and s["outputs"]["siren-1"])
        return await person.until(lambda s: "outbox-unreadable" in issues(s))

    status = site.live(after)
    assert {"watchlist", "audit-key", "outbox-unreadable"} <= issues(status)
    assert (site.data / "watchlist.json.damaged").exists()
    texts = {issue["code"]: issue["text"] for issue in status["issues"]}
    assert "which is not here" in texts["outbox-unreadable"]
    assert "which is not here" in texts["watchlist"]


def test_a_credential_protects_what_was_unprotected(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def settled(person: Person) -> Status:
        await person.until(lambda _: not person.core._stores.vault.keys.pending)
        return await person.ask("keys.show")

    site.live(a_day)
    kept = site.live(Person.waiting)
    assert kept
    site.live(settled)
    card = tmp_path / "credentials"
    card.mkdir()
    (card / CREDENTIAL).write_bytes(b"what the machine's TPM lets go")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(card))
    state = site.live(settled)
    assert (state["credential"], state["older"]) == (True, [])
    assert b'"key"' not in raw(site.data / "keys")
    assert kept <= site.live(Person.waiting)


def test_everything_that_has_to_be_is_in_the_log(site: Site) -> None:
    async def story(person: Person) -> Status:
        await a_day(person)
        with pytest.raises(Exception, match="older-version"):
            await person.ask("watchlist.import", document=document(node="*"))
        await person.ask("watchlist.expire", entries=["w-1"])
        return await person.ask("audit.verify")

    verdict = site.live(story)
    assert verdict["intact"]
    kinds = [record["kind"] for record in records(site)]
    assert {"config", "watchlist", "view", "refusal", "deletion"} <= set(kinds)
    by = {record["kind"]: record["who"] for record in records(site)}
    assert by["view"].startswith("uid ")
    site.live(lambda person: person.ask("status"))
    assert [r["kind"] for r in records(site)].count("config") == 1
    site.changes = (*site.changes, ("name: Lane", "name: Other"))
    site.live(lambda person: person.ask("status"))
    assert [r["kind"] for r in records(site)].count("config") == 2


def test_an_edited_log_is_named_at_the_next_start(site: Site) -> None:
    site.live(a_day)
    (path,) = files_of(site.data / "audit")
    path.write_bytes(path.read_bytes().replace(b'"kind":"view"', b'"kind":"unlock"'))

    async def named(person: Person) -> Status:
        return await person.until(lambda s: "audit-broken" in issues(s))

    status = site.live(named)
    assert status["healthy"] is False
    verdict = site.live(lambda person: person.ask("audit.verify"))
    assert verdict["intact"] is False
    assert [gap["why"] for gap in verdict["gaps"]] == ["broken"]
    assert len(verdict["breaks"]) == 1


def test_a_press_sounds_while_the_log_cannot_be_written(site: Site) -> None:
    site.data.mkdir()
    (site.data / "audit").touch()

    async def press(person: Person) -> Status:
        await person.press()
        await asyncio.sleep(0)
        return await person.until(lambda s: s["incidents"] and "audit-store" in issues(s))

    status = site.live(press)
    assert status["outputs"]["siren-1"] is True
