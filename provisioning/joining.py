"""How a gate gets its identity: key and request, papers by token or by file, configuration.

Here: the steps and their order, as functions of paths and texts. Options and printing are
``provisioning.join``'s.

The order keeps a gate that works working: everything is checked before the station is asked, and
what it answered before anything is replaced; the station hears that the certificate is in use last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.config.load import parse
from agent.core.errors import CheckFailedError, ConfigError, GatehouseError
from agent.files.atomic import write_atomic
from agent.files.tls import client_context
from agent.identity import enrolment, request
from agent.identity.folder import IdentityFolder
from contract.join import JoinToken, Papers, Place, fingerprint, is_fingerprint, read_token
from contract.signing import read_trusted_keys, strict_json
from contract.topics import Address
from provisioning import gate_file

DEFAULT_DATA = Path("/var/lib/gatehouse")
FOLDER = "identity"
MAX_PAPERS_BYTES = 256 * 1024
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class GatePaths:
    """Where the gate's configuration and identity lie."""

    config: Path
    identity: IdentityFolder


def find_paths(config: Path, folder: Path | None) -> GatePaths:
    """The identity lies beside the gate's data, unless *folder* names another place."""
    if folder is None:
        node = gate_file.values(_text(config)).get("node") if config.exists() else None
        data = node.get("data_dir") if isinstance(node, dict) else None
        folder = Path(data if isinstance(data, str) else DEFAULT_DATA) / FOLDER
    return GatePaths(config.absolute(), IdentityFolder(folder.absolute()))


def known_ids(config: Path) -> dict[str, str]:
    """Station, site and node, as far as the configuration names them."""
    return gate_file.ids(_text(config)) if config.exists() else {}


def init(paths: GatePaths, gate: Address, copy_to: Path | None, *, again: bool) -> Result:
    """Make the gate's key and request; a pending one of the same gate is shown again."""
    folder = paths.identity
    if folder.gate.exists() and not again:
        raise CheckFailedError(
            f"this gate has an identity already ({folder.gate}); --again makes a new key, and the "
            "present one serves until 'gatehouse join' has replaced it"
        )
    if paths.config.exists():
        gate_file.check_ids(_text(paths.config), gate)
    folder.prepare()
    made = not folder.pending_key.exists()
    if not made and request.request_gate(folder.read(folder.pending_request)) != gate:
        made = True
    if made:
        key = request.make_key()
        folder.keep_pending(request.key_pem(key), request.make_request(key, gate))
    folder.hand_over()
    pem = folder.read(folder.pending_request)
    copied = None if copy_to is None else _copy(copy_to / f"{gate.client_id}.csr", pem)
    return {
        "gate": gate.client_id,
        "made": made,
        "fingerprint": fingerprint(_pending_digest(folder)),
        "folder": str(folder.folder),
        "request": str(copied or folder.pending_request),
    }


def join(paths: GatePaths, text: str) -> Result:
    """Join by a token, over the network."""
    token = _token(text)
    _ready(paths, token.gate)
    papers = enrolment.join(token, paths.identity.read(paths.identity.pending_request))
    return _settle(paths, papers)


def join_from(
    paths: GatePaths, folder: Path, text: str | None, compared: Callable[[str], str | None]
) -> Result:
    """Join by papers on a stick.

    *compared(fingerprint)* answers with what the station's own screen shows as its authority, or
    None when nobody can say; a token's pin answers for itself.
    """
    gate = request.request_gate(_pending(paths.identity))
    _ready(paths, gate)
    papers = _papers(folder / f"{gate.client_id}.papers.json")
    pin = request.authority_pin(papers.authority)
    if text is not None:
        if _token(text).pin != pin:
            raise CheckFailedError("the papers are of another station than the token")
    else:
        said = compared(fingerprint(pin))
        if said is None or not is_fingerprint(said, pin):
            raise CheckFailedError(
                "nothing was changed: the fingerprint of the station's authority was not confirmed"
            )
    return _settle(paths, papers)


def _settle(paths: GatePaths, papers: Papers) -> Result:
    """Check everything, write everything, then tell the station."""
    folder = paths.identity
    gate = request.request_gate(folder.read(folder.pending_request))
    pem = folder.read(folder.pending_key)
    key, now = request.read_key(pem), datetime.now(UTC)
    facts = request.check_certificate(papers.certificate, papers.authority, gate, key, now)
    _check_keys(papers, gate)
    given = gate_file.Given(
        gate, folder.gate, folder.authority, folder.trusted_keys, papers.brokers, papers.enrolment
    )
    config = _configuration(paths, given)
    folder.settle(papers.authority, papers.trusted_keys)
    folder.draft(pem, papers.certificate.encode())
    folder.adopt_draft()
    _write_config(paths.config, config)
    confirmed, why = _confirm(folder, papers)
    if confirmed:
        folder.forget_pending()
    folder.hand_over()
    return {
        "gate": gate.client_id,
        "fingerprint": fingerprint(facts.key_digest),
        "authority": fingerprint(request.authority_pin(papers.authority)),
        "expires_at": facts.not_after.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "renews_at": facts.renew_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "brokers": [f"{place.host}:{place.port}" for place in papers.brokers],
        "areas": list(papers.areas),
        "config": str(paths.config),
        "identity": str(folder.folder),
        "confirmed": confirmed,
        "not_confirmed_because": why,
    }


def _ready(paths: GatePaths, gate: Address) -> None:
    """CheckFailedError or ConfigError when joining could not end well; nothing is asked before."""
    pending = request.request_gate(_pending(paths.identity))
    if pending != gate:
        raise CheckFailedError(
            f"the token is for {gate.client_id}, this gate was made as {pending.client_id}"
        )
    trial = Place("station.invalid", 1)
    folder = paths.identity
    given = gate_file.Given(
        gate, folder.gate, folder.authority, folder.trusted_keys, [trial], [trial]
    )
    _configuration(paths, given)


def _configuration(paths: GatePaths, given: gate_file.Given) -> str:
    """The configuration as it will be; ConfigError lists what an agent would not accept."""
    if paths.config.exists():
        before = _text(paths.config)
        gate_file.check_ids(before, given.gate)
        text = gate_file.completed(before, given)
    else:
        text = gate_file.written(given, paths.identity.folder.parent)
    parse(text.encode(), str(paths.config))
    return text


def _write_config(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        mode = 0o644
        if path.exists():
            mode = path.stat().st_mode & 0o777
            write_atomic(path.with_name(path.name + ".before-join"), path.read_bytes(), mode=mode)
        write_atomic(path, text.encode(), mode=mode)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}. Are you root?") from error


def _confirm(folder: IdentityFolder, papers: Papers) -> tuple[bool, str]:
    """Tell the station; when it does not answer now, the agent does it later."""
    why = "the papers name no enrolment port"
    for place in papers.enrolment:
        try:
            context = client_context(folder.authority, folder.gate, folder.gate)
            enrolment.confirm(place, context)
        except GatehouseError as error:
            why = str(error)
        else:
            return True, ""
    return False, why


def _check_keys(papers: Papers, gate: Address) -> None:
    try:
        trusted = read_trusted_keys(json.dumps(dict(papers.trusted_keys)).encode())
    except ValueError as error:
        raise CheckFailedError(f"the station's role keys cannot be used: {error}") from error
    if trusted.station != gate.station or papers.gate != gate:
        raise CheckFailedError(f"the papers are not for {gate.client_id}")


def _papers(path: Path) -> Papers:
    try:
        data = path.read_bytes()
        return Papers.from_json(strict_json(data, MAX_PAPERS_BYTES))
    except FileNotFoundError as error:
        raise CheckFailedError(
            f"{path} is not there; 'gatehouse station enrol' makes it from the request"
        ) from error
    except (OSError, ValueError) as error:
        raise CheckFailedError(f"{path} cannot be used: {error}") from error


def _token(text: str) -> JoinToken:
    try:
        return read_token(text)
    except ValueError as error:
        raise CheckFailedError(f"the token {error}") from error


def _pending(folder: IdentityFolder) -> bytes:
    if not folder.pending_key.exists():
        if folder.gate.exists():
            raise CheckFailedError(
                f"this gate has joined already ({folder.gate}); to join anew, begin with "
                "'gatehouse init --again'"
            )
        raise CheckFailedError("this gate has no key yet: run 'gatehouse init' first")
    return folder.read(folder.pending_request)


def _pending_digest(folder: IdentityFolder) -> bytes:
    key = request.read_key(folder.read(folder.pending_key))
    return request.key_digest(key.public_key())


def _copy(path: Path, data: bytes) -> Path:
    try:
        write_atomic(path, data, mode=0o644)
    except OSError as error:
        raise CheckFailedError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def summary(told: Mapping[str, Any]) -> str:
    """A result of joining for people."""
    lines = [
        f"{told['gate']} has joined.",
        f"  this gate's key   {told['fingerprint']}",
        f"  the authority     {told['authority']}",
        f"  brokers           {', '.join(told['brokers'])}",
        f"  certificate until {told['expires_at']}, renewed from {told['renews_at']} on",
        f"  configuration     {told['config']}",
    ]
    if not told["confirmed"]:
        lines.append(f"The station has not been told yet: {told['not_confirmed_because']}")
        lines.append("The agent will, when it reaches it.")
    lines.append(f"Next: gatehouse check --config {told['config']}; systemctl restart gatehouse")
    return "\n".join(lines)
