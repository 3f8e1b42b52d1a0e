"""What mosquitto is told: its configuration and its access list, as text. No files, no process.

Measured with 2.0.11 (docs/brokers.md): a reload (SIGHUP) takes a new access list, revocation list
and server certificate and keeps connections; it does not end a session whose certificate was
revoked; ``set_tcp_nodelay`` makes mutual TLS connects 5.7 times faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.core.errors import ConfigError
from contract.rights import Rights, gate_rights, host_rights
from contract.topics import Address
from contract.words import MAX_MESSAGE_BYTES
from station.trust.files import Plan, TrustFiles

PACKET_BYTES = MAX_MESSAGE_BYTES + 4096
_CIPHERS = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305"
)


@dataclass(frozen=True, slots=True)
class Member:
    """A gate that may connect, its areas, and those that it is agreed to call."""

    gate: Address
    areas: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()


def host_name(station: str) -> str:
    """The station's own name at its broker: CN, user and client id."""
    return f"{station}.host"


def config_text(files: TrustFiles, station: str, plan: Plan, user: str) -> str:
    """``mosquitto.conf``; *user* is the system user that mosquitto runs as when started by root.

    The client id is the certificate's name, whatever a client calls itself, so that no gate ends
    another's session or takes its queue; ids that do not start with the station's (``#``, ``+``)
    are refused before that.
    """
    for path in (files.folder, files.broker):
        if any(ord(c) < 32 for c in str(path)):
            raise ConfigError(f"{str(path)!r} cannot stand in mosquitto's configuration")
    lines = [
        "# Written by 'gatehouse station'. Changes here are lost; your own lines go into",
        f"# files {files.broker}/conf.d/*.conf",
        "per_listener_settings false",
        "allow_anonymous false",
        "allow_zero_length_clientid false",
        f"clientid_prefixes {station}.",
        f"acl_file {files.rights}",
        "persistence true",
        f"persistence_location {files.broker}/store/",
        "autosave_interval 30",
        "persistent_client_expiration 30d",
        f"max_packet_size {PACKET_BYTES}",
        "max_queued_messages 100000",
        "max_keepalive 600",
        f"log_dest file {files.broker}/mosquitto.log",
        *(f"log_type {kind}" for kind in ("error", "warning", "notice", "information")),
        "connection_messages true",
        f"user {user}",
        *_listener(files, plan),
        "",
        f"include_dir {files.broker}/conf.d",
    ]
    return "\n".join(lines) + "\n"


def _listener(files: TrustFiles, plan: Plan) -> list[str]:
    """The only listener: mutual TLS."""
    return [
        "",
        f"listener {plan.port}{f' {plan.bind}' if plan.bind else ''}",
        f"cafile {files.authority}",
        f"certfile {files.server}",
        f"keyfile {files.server}",
        f"crlfile {files.revoked}",
        "tls_version tlsv1.2",
        f"ciphers {_CIPHERS}",
        "require_certificate true",
        "use_identity_as_username true",
        "use_username_as_clientid true",
        "set_tcp_nodelay true",
    ]


def rights_text(station: str, members: Iterable[Member]) -> str:
    """The access list: one block a client, exact topics, nothing for anybody else."""
    users: Mapping[str, Rights] = {
        host_name(station): host_rights(station),
        **{m.gate.client_id: gate_rights(m.gate, m.areas, m.calls) for m in members},
    }
    lines = ["# Written by 'gatehouse station' from its registry. Changes here are lost."]
    for user, rights in users.items():
        lines += ["", f"user {user}"]
        lines += [f"topic write {topic}" for topic in rights.write]
        lines += [f"topic read {topic}" for topic in rights.read]
    return "\n".join(lines) + "\n"


def folders(files: TrustFiles) -> tuple[Path, ...]:
    """Folders that mosquitto needs, to be made for their owner only."""
    return (files.broker, files.broker / "store", files.broker / "conf.d")
