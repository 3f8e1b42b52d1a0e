"""Sections ``node``, ``link``, ``outbox``, ``console``, ``log`` and ``privacy``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from agent.config.schema.base import AbsolutePath, Id, Label, Port, Section
from agent.core.hosts import is_loopback
from contract.topics import Address


class Node(Section):
    """Which gate this is, and where it keeps its things."""

    station: Id
    site: Id
    node: Id
    name: Label
    pin_factory: Annotated[
        Literal["lgpio", "mock"], Field(description="lgpio on a Pi; mock has simulated pins")
    ]
    data_dir: AbsolutePath
    run_dir: AbsolutePath
    trusted_keys: Annotated[
        AbsolutePath | None, Field(description="the station's public role keys; none: trust nobody")
    ] = None
    steady_s: Annotated[
        float,
        Field(ge=1, le=86_400, description="after so long earlier crashes are forgotten"),
    ] = 600.0
    vision_group: Annotated[
        str | None, Field(description="Unix group of the vision program, when it is another user")
    ] = None

    @property
    def address(self) -> Address:
        """The gate's place in the topic tree."""
        return Address(self.station, self.site, self.node)


class Tls(Section):
    """Mutual TLS towards the broker. There is no option to check less."""

    ca_file: AbsolutePath
    cert_file: AbsolutePath
    key_file: AbsolutePath


class Broker(Section):
    """One broker address. Without ``tls`` only a loopback address is accepted."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Port = 8883
    tls: Tls | None = None

    @model_validator(mode="after")
    def _no_plain_text_on_a_network(self) -> Self:
        if self.tls is None and not self.is_loopback:
            raise ValueError(
                "needs 'tls' (ca_file, cert_file, key_file): "
                "plain text is accepted to a loopback address only"
            )
        return self

    @property
    def is_loopback(self) -> bool:
        """True for localhost and the loopback networks."""
        return is_loopback(self.host)


class Place(Section):
    """Where something listens."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Port


PROFILES = {
    "normal": {"keepalive_s": 30, "heartbeat_s": 60.0},
    "high": {"keepalive_s": 6, "heartbeat_s": 30.0},
}


class Link(Section):
    """The way to the station. At ``enrolment`` the gate's certificate is renewed by itself.

    ``profile`` says how soon a loss shows at the gate and at the station: within 90 s (normal) or
    20 s (high). It sets ``keepalive_s`` and ``heartbeat_s`` where the file does not. The gate finds
    a dead line after two keepalives, the broker (and by the will, the station) after one and a
    half.
    """

    brokers: Annotated[list[Broker], Field(min_length=1, max_length=8)]
    enrolment: Annotated[list[Place], Field(max_length=8)] = []
    profile: Literal["normal", "high"] = "normal"
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    username: str | None = None
    password_file: AbsolutePath | None = None
    keepalive_s: Annotated[int, Field(ge=5, le=600)] = 30
    heartbeat_s: Annotated[float, Field(ge=1, le=3600)] = 60.0
    connect_timeout_s: Annotated[float, Field(ge=1, le=60)] = 10.0
    session_expiry_s: Annotated[int, Field(ge=0, le=4_294_967_295)] = 604_800

    @model_validator(mode="before")
    @classmethod
    def _by_profile(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {**PROFILES.get(str(data.get("profile")), {}), **data}

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if self.password_file is not None and self.username is None:
            raise ValueError("'password_file' needs 'username'")
        return self

    @model_validator(mode="after")
    def _renewal_is_possible(self) -> Self:
        files = {broker.tls for broker in self.brokers if broker.tls is not None}
        if self.enrolment and not files:
            raise ValueError("'enrolment' needs a broker with 'tls'")
        if self.enrolment and (len(files) > 1 or any(f.cert_file != f.key_file for f in files)):
            raise ValueError(
                "'enrolment' needs one file with certificate and key for all brokers, named by "
                "cert_file and key_file, so that both are replaced at once"
            )
        return self

    @property
    def tls(self) -> Tls | None:
        """The gate's TLS files, as the first broker that has any names them."""
        return next((broker.tls for broker in self.brokers if broker.tls is not None), None)


class Outbox(Section):
    """What waits for the station. Alarms are never evicted; events are, oldest first."""

    max_events: Annotated[int, Field(ge=100, le=10_000_000)] = 50_000
    event_days: Annotated[float, Field(ge=7, le=366)] = 30.0


class Console(Section):
    """What guards read at the gate."""

    language: Literal["en", "zh"] = "zh"


class Log(Section):
    """Where and how much is logged. Standard error goes to the journal under systemd."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Privacy(Section):
    """Site-wide limits on what cameras may be used for."""

    face_off: Annotated[
        bool, Field(description="true: no face is detected or compared anywhere at this gate")
    ] = False
