"""Who becomes a gate: tokens once, renewals by their bearer, nobody after revocation."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509

from agent.core.errors import CheckFailedError
from agent.identity.request import make_key, make_request, read_certificate
from contract.join import Place, read_token
from contract.topics import Address
from station.trust import registry
from tests.support.trust import AUTHORITY, GATE, OTHER, PLAN, Bench, request_of, trusted_json

HOUR = 3600.0


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "st")
    yield made
    made.close()


def rights_of(bench: Bench, gate: Address) -> str:
    """The block of one gate in the broker's access list."""
    text = bench.files.rights.read_text("utf-8")
    return text.partition(f"user {gate.client_id}\n")[2].partition("user ")[0]


def listed(bench: Bench) -> set[str]:
    pem = bench.files.revoked.read_bytes()
    return {f"{item.serial_number:x}" for item in x509.load_pem_x509_crl(pem)}


def test_a_token_names_the_station_and_is_kept_as_a_hash_only(bench: Bench) -> None:
    token = bench.token()
    assert (token.host, token.port, token.pin) == (PLAN.hosts[0], PLAN.enrol_port, AUTHORITY.pin)
    assert read_token(token.text()) == token
    for path in bench.files.folder.glob("registry*"):
        assert token.secret not in path.read_bytes()
    assert bench.token().secret != token.secret


def test_papers_hold_everything_that_a_gate_needs(bench: Bench) -> None:
    key = make_key()
    made = bench.office.join(bench.token(GATE, "west").secret, make_request(key, GATE))
    papers = made.papers
    facts = read_certificate(papers.certificate.encode())
    assert facts.gate == GATE
    assert facts.serial == made.serial
    assert papers.brokers == tuple(Place(host, PLAN.port) for host in PLAN.hosts)
    assert papers.enrolment[0] == Place(PLAN.hosts[0], PLAN.enrol_port)
    assert papers.trusted_keys == trusted_json()
    assert papers.areas == ("west",)
    assert bench.users() == ["cancheng.host", GATE.client_id]
    assert "topic read gh/v1/cancheng/area/west/call" in bench.files.rights.read_text("utf-8")


def test_a_token_is_good_once(bench: Bench) -> None:
    token = bench.token()
    made = bench.office.join(token.secret, request_of())
    with pytest.raises(CheckFailedError, match="by another key"):
        bench.office.join(token.secret, request_of())
    bench.office.confirm(made.serial)
    with pytest.raises(CheckFailedError, match="used already"):
        bench.office.join(token.secret, request_of())


def test_a_lost_answer_may_be_asked_for_again_until_it_is_confirmed(bench: Bench) -> None:
    token, request = bench.token(), request_of()
    bench.office.join(token.secret, request)
    second = bench.office.join(token.secret, request)
    bench.office.confirm(second.serial)
    with pytest.raises(CheckFailedError, match="used already"):
        bench.office.join(token.secret, request)


def test_a_token_ends_by_time_by_withdrawal_and_for_another_gate(bench: Bench) -> None:
    token, other = bench.token(hours=1), bench.token()
    with pytest.raises(CheckFailedError, match=r"not of cancheng\.liya-garden"):
        bench.office.join(token.secret, request_of(OTHER))
    bench.clock.advance(HOUR)
    with pytest.raises(CheckFailedError, match="too old"):
        bench.office.join(token.secret, request_of())
    (row,) = [row for row in bench.registry.tokens() if row.expires_ns > bench.clock.utc_ns()]
    assert bench.office.revoke_token(row.id.upper()).gate == GATE.client_id
    with pytest.raises(CheckFailedError, match="withdrawn"):
        bench.office.join(other.secret, request_of())
    with pytest.raises(CheckFailedError, match="not open"):
        bench.office.revoke_token(row.id)
    with pytest.raises(CheckFailedError, match="did not issue"):
        bench.office.join(b"x" * 20, request_of())
    assert bench.registry.gates() == []


def test_a_refused_request_does_not_use_the_token_up(bench: Bench) -> None:
    token = bench.token()
    with pytest.raises(CheckFailedError):
        bench.office.join(token.secret, b"nonsense")
    assert bench.office.join(token.secret, request_of()).serial


def test_a_new_box_in_place_of_the_old_makes_its_certificate_worthless(bench: Bench) -> None:
    old = bench.joined()
    new = bench.office.join(bench.token().secret, request_of())
    assert listed(bench) == set()
    bench.office.confirm(new.serial)
    assert listed(bench) == {old.serial}
    with pytest.raises(CheckFailedError, match="revoked"):
        bench.office.renew(old.serial, request_of())


def test_a_renewal_is_for_the_same_gate_and_a_new_key_and_overlaps(bench: Bench) -> None:
    key = make_key()
    token = bench.token()
    first = bench.office.join(token.secret, make_request(key, GATE))
    bench.office.confirm(first.serial)
    with pytest.raises(CheckFailedError, match="new key"):
        bench.office.renew(first.serial, make_request(key, GATE))
    with pytest.raises(CheckFailedError, match="not of"):
        bench.office.renew(first.serial, request_of(OTHER))
    with pytest.raises(CheckFailedError, match="not a gate's"):
        bench.office.renew("5", request_of())
    gate, pem, serial = bench.office.renew(first.serial, request_of())
    assert gate == GATE
    assert read_certificate(pem).serial == serial
    bench.office.confirm(serial)
    assert listed(bench) == set()
    assert bench.office.renew(first.serial, request_of())[0] == GATE


def test_a_revoked_gate_is_out_until_it_gets_a_token(bench: Bench) -> None:
    first, other = bench.joined(), bench.joined(OTHER)
    _, _, second = bench.office.renew(first.serial, request_of())
    waiting = bench.token()
    assert bench.office.revoke(GATE) == 2
    assert listed(bench) == {first.serial, second}
    assert bench.users() == ["cancheng.host", OTHER.client_id]
    for serial in (first.serial, second):
        with pytest.raises(CheckFailedError, match="revoked"):
            bench.office.renew(serial, request_of())
        with pytest.raises(CheckFailedError, match="revoked"):
            bench.office.confirm(serial)
    with pytest.raises(CheckFailedError, match="withdrawn"):
        bench.office.join(waiting.secret, request_of())
    assert bench.office.confirm(other.serial) == OTHER
    bench.joined()
    assert bench.users() == ["cancheng.host", GATE.client_id, OTHER.client_id]
    assert listed(bench) == {first.serial, second}
    with pytest.raises(CheckFailedError, match="never joined"):
        bench.office.revoke(Address("cancheng", "nowhere", "gate-1"))


def test_revocation_lists_only_grow_in_number_and_time(bench: Bench) -> None:
    seen = []
    for _ in range(5):
        bench.office.publish()
        found = x509.load_pem_x509_crl(bench.files.revoked.read_bytes())
        number = found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        seen.append((number, found.last_update_utc))
    assert seen == sorted(set(seen))
    assert len({moment for _, moment in seen}) == 5
    bench.clock.step(-10 * 365 * 24 * HOUR)
    bench.office.publish()
    after = x509.load_pem_x509_crl(bench.files.revoked.read_bytes())
    assert after.last_update_utc > seen[-1][1]


def test_a_certificate_that_ran_out_leaves_the_list(bench: Bench) -> None:
    made = bench.joined()
    bench.office.revoke(GATE)
    assert listed(bench) == {made.serial}
    bench.clock.advance(31 * 24 * HOUR)
    bench.office.publish()
    assert listed(bench) == set()


def test_an_operators_word_is_enough_for_a_request_by_file(bench: Bench) -> None:
    made = bench.office.enrol(request_of(), GATE, ["west"])
    assert made.papers.areas == ("west",)
    bench.office.move(GATE, ["north"])
    text = bench.files.rights.read_text("utf-8")
    assert "area/north/call" in text
    assert "area/west" not in text
    with pytest.raises(CheckFailedError, match="has not joined"):
        bench.office.move(OTHER, [])


def test_an_agreed_caller_may_call_until_it_is_not_agreed_any_more(bench: Bench) -> None:
    called = "topic write gh/v1/cancheng/area/north/call"
    bench.office.join(bench.token().secret, request_of())
    bench.office.move(GATE, ["north"], ["north"])
    assert called in rights_of(bench, GATE)
    bench.office.move(GATE, ["north"])
    assert called not in rights_of(bench, GATE)
    bench.office.move(GATE, ["north"], ["north"])
    bench.office.revoke(GATE)
    bench.office.join(bench.token().secret, request_of())
    assert called not in rights_of(bench, GATE)


def test_a_registry_of_the_form_before_is_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    with closing(sqlite3.connect(path)) as before:
        for statement in registry._TABLES.replace(", calls TEXT NOT NULL DEFAULT '[]'", "").split(
            ";\n"
        ):
            before.execute(statement)
        before.execute("INSERT INTO gates VALUES ('cancheng.a.b', '[\"north\"]', 1, NULL, 0)")
        before.execute("PRAGMA user_version=1")
        before.commit()
    with closing(registry.Registry(path)) as brought_up:
        assert brought_up.gates() == [
            registry.GateRow("cancheng.a.b", ("north",), 1, None, dismissed=False, calls=())
        ]


@pytest.mark.parametrize(
    ("gate", "problem"),
    [
        (Address("cancheng", "area", "gate-1"), "topics of that name"),
        (Address("cancheng", "host", "gate-1"), "topics of that name"),
        (Address("cancheng", "s" * 30, "n" * 30), "use shorter ids"),
    ],
)
def test_some_gates_cannot_be(bench: Bench, gate: Address, problem: str) -> None:
    with pytest.raises(CheckFailedError, match=problem):
        bench.token(gate)
    with pytest.raises(CheckFailedError, match=problem):
        bench.office.enrol(request_of(), gate, [])
