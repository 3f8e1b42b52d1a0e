"""What the commands about gates and certificates do, from options to a result to be printed."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from agent.core.clock import format_utc
from agent.core.errors import CheckFailedError, ConfigError
from agent.files.atomic import write_atomic
from contract.join import fingerprint, is_fingerprint, read_gate, read_token
from contract.topics import Address
from station import keys
from station.documents import address_of, area_of
from station.trust.authority import key_digest, read_request, request_name
from station.trust.files import MAX_BYTES, Plan, check_plan
from station.trust.office import Joined, Office
from station.trust.registry import GateRow, Registry, TokenRow
from station.trust.running import Trust, open_office
from station.trust.setup import make_trust

Result = dict[str, object]
REQUEST_SUFFIX = ".csr"
PAPERS_SUFFIX = ".papers.json"


def init(folder: Path, station: str, name: str, plan: Plan) -> Result:
    """Make a station with role keys and an authority; public keys and the fingerprint are told."""
    check_plan(plan)
    told: Result = {}

    def fill(draft: Path) -> None:
        authority = make_trust(draft, folder, station, plan)
        told["authority"] = fingerprint(authority.pin)

    made = keys.init(folder, station, name or station, fill)
    public = {role.value: text for role, text in keys.public_keys(made).items()}
    return {
        "station": made.id,
        "trusted_keys": str(made.trusted_keys),
        "keys": public,
        **told,
        "hosts": list(plan.hosts),
        "port": plan.port,
        "enrol_port": plan.enrol_port,
        "broker_config": str(made.folder / "broker" / "mosquitto.conf"),
    }


def own_name() -> str:
    """The name of this machine, when it can stand in a certificate."""
    name = socket.gethostname()
    try:
        check_plan(Plan((name,)))
    except ConfigError:
        return "localhost"
    return name


def token(folder: Path, gate: str, areas: Sequence[str], hours: float) -> Result:
    """A join token. It is told once; the station keeps its hash only."""
    made = keys.open_station(folder)
    address = address_of(gate, made.id)
    _check_areas(areas)
    with open_office(made) as (trust, _, office):
        issued, expires_ns = office.issue_token(address, areas, hours)
    return {
        "gate": address.client_id,
        "token": issued.text(),
        "areas": list(areas),
        "expires_at": format_utc(expires_ns),
        "address": f"{issued.host}:{issued.port}",
        "authority": fingerprint(trust.authority.pin),
    }


def tokens(folder: Path) -> Result:
    """Every token of the last months, without what would make it usable."""
    with open_office(keys.open_station(folder)) as (_, registry, _office):
        rows = registry.tokens()
    now_ns = time.time_ns()
    return {"tokens": [_token_row(row, now_ns) for row in rows]}


def revoke_token(folder: Path, name: str) -> Result:
    """Withdraw a token."""
    with open_office(keys.open_station(folder)) as (_, _registry, office):
        row = office.revoke_token(name)
    return {"id": row.id, "gate": row.gate, "state": "withdrawn"}


def gates(folder: Path) -> Result:
    """Every gate that joined, with the certificate that it uses."""
    with open_office(keys.open_station(folder)) as (_, registry, _office):
        return {"gates": [_gate_row(registry, row) for row in registry.gates()]}


def set_areas(folder: Path, gate: str, areas: Sequence[str], calls: Sequence[str] = ()) -> Result:
    """Give a gate that joined other areas, and say which it may call."""
    made = keys.open_station(folder)
    address = address_of(gate, made.id)
    _check_areas((*areas, *calls))
    with open_office(made) as (_, registry, office):
        office.move(address, areas, calls)
        row = registry.gate(address.client_id)
    told: Result = {"gate": address.client_id, "areas": list(row.areas if row else ())}
    return told | {"caller_for": list(row.calls if row else ())}


def revoke(folder: Path, gate: str) -> Result:
    """Shut a gate out."""
    made = keys.open_station(folder)
    address = address_of(gate, made.id)
    with open_office(made) as (_, _registry, office):
        count = office.revoke(address)
    return {"gate": address.client_id, "certificates": count}


def enrol(
    folder: Path,
    request: Path,
    output: Path | None,
    areas: Sequence[str],
    token_text: str | None,
    compared: Callable[[str, str], str | None],
) -> Result:
    """Papers for a request that came as a file.

    *compared(gate, fingerprint)* answers with what the gate's own screen shows, or None when
    nobody can say; a good token answers for itself.
    """
    made = keys.open_station(folder)
    _check_areas(areas)
    pem = _read(request)
    gate = _gate_of(pem, made.id)
    shown = fingerprint(key_digest(read_request(pem, gate.client_id)))
    with open_office(made) as (trust, _, office):
        if token_text is None:
            said = compared(gate.client_id, shown)
            if said is None or not is_fingerprint(said, bytes.fromhex(shown.replace(":", ""))):
                raise CheckFailedError(
                    "nothing was signed: the fingerprint of the gate's key was not confirmed"
                )
            joined = office.enrol(pem, gate, areas)
        else:
            joined = _with_token(office, trust, token_text, gate, pem)
    path = _write_papers(joined, output or request.parent)
    return {
        "gate": gate.client_id,
        "fingerprint": shown,
        "papers": str(path),
        "authority": fingerprint(trust.authority.pin),
        "serial": joined.serial,
    }


def _with_token(office: Office, trust: Trust, text: str, gate: Address, pem: bytes) -> Joined:
    try:
        shown = read_token(text)
    except ValueError as error:
        raise CheckFailedError(f"the token {error}") from error
    if shown.gate != gate or shown.pin != trust.authority.pin:
        raise CheckFailedError(f"the token is for {shown.gate.client_id}, not for {gate.client_id}")
    joined = office.join(shown.secret, pem)
    office.spend(shown.secret)
    return joined


def _write_papers(joined: Joined, folder: Path) -> Path:
    path = folder / f"{joined.papers.gate.client_id}{PAPERS_SUFFIX}"
    text = json.dumps(joined.papers.to_json(), ensure_ascii=False, indent=2)
    try:
        write_atomic(path, f"{text}\n".encode(), mode=0o644)
    except OSError as error:
        raise CheckFailedError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _gate_of(pem: bytes, station: str) -> Address:
    name = request_name(pem)
    try:
        gate = read_gate(name)
    except ValueError as error:
        raise CheckFailedError(f"the request is not of a gate: {error}") from error
    if gate.station != station:
        raise CheckFailedError(f"the request is for station {gate.station}, this one is {station}")
    return gate


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CheckFailedError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise CheckFailedError(f"{path} is larger than {MAX_BYTES} bytes")
    return data


def _check_areas(areas: Sequence[str]) -> None:
    for area in areas:
        area_of(area)


def _token_row(row: TokenRow, now_ns: int) -> Result:
    if row.revoked_ns is not None:
        state = "withdrawn"
    elif row.spent_ns is not None:
        state = "used"
    elif row.expires_ns <= now_ns:
        state = "expired"
    else:
        state = "open" if row.key is None else "not confirmed"
    times = {"made_at": format_utc(row.made_ns), "expires_at": format_utc(row.expires_ns)}
    return {"id": row.id, "gate": row.gate, "areas": list(row.areas), "state": state, **times}


def _gate_row(registry: Registry, row: GateRow) -> Result:
    good = [c for c in registry.certificates(row.gate) if c.revoked_ns is None]
    used = [c for c in good if c.confirmed_ns is not None] or good
    newest = used[-1] if used else None
    return {
        "gate": row.gate,
        "state": "joined" if row.revoked_ns is None else "revoked",
        "areas": list(row.areas),
        "caller_for": list(row.calls),
        "since": format_utc(row.since_ns),
        "fingerprint": fingerprint(newest.key) if newest else None,
        "serial": newest.serial if newest else None,
        "expires_at": format_utc(newest.not_after_ns) if newest else None,
    }
