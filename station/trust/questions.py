"""What the enrolment port answers. Decisions and wording; no network.

A gate that asks too often with a wrong token is not listened to for a while; one that shows a good
certificate always is.
"""

from __future__ import annotations

import base64
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.core.errors import CheckFailedError, GatehouseError
from contract.join import fingerprint
from station.trust.office import Office

MAX_FAILURES = 10
WINDOW_S = 600.0
MAX_ADDRESSES = 4096

Tell = Callable[[str, dict[str, object]], None]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: network address, and the serial of the verified certificate it showed, or ''."""

    address: str
    serial: str


class Attempts:
    """Counts failures by address, over a window, in bounded memory."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def blocked(self, address: str) -> bool:
        """True after too many failures."""
        times = self._failed.get(address)
        if times is None:
            return False
        oldest = self._monotonic() - WINDOW_S
        while times and times[0] < oldest:
            times.popleft()
        return len(times) >= MAX_FAILURES

    def failed(self, address: str) -> None:
        """One more."""
        times = self._failed.setdefault(address, deque(maxlen=MAX_FAILURES))
        times.append(self._monotonic())
        self._failed.move_to_end(address)
        while len(self._failed) > MAX_ADDRESSES:
            self._failed.popitem(last=False)


class Questions:
    """Answers one question at a time. Used by one thread at a time."""

    def __init__(
        self, office: Office, authority_pem: str, tell: Tell, monotonic: Callable[[], float]
    ) -> None:
        self._office = office
        self._authority = authority_pem
        self._tell = tell
        self._attempts = Attempts(monotonic)

    def answer(self, caller: Caller, question: Mapping[str, object]) -> dict[str, object]:
        """The answer; ``error`` in it is a refusal."""
        op = str(question.get("op", ""))[:32]
        try:
            match op:
                case "authority":
                    return {"authority": self._authority}
                case "join":
                    return self._join(caller, question)
                case "renew":
                    return self._renew(caller, question)
                case "confirm":
                    return self._confirm(caller)
            raise CheckFailedError(f"this station does not know {op!r}")
        except CheckFailedError as error:
            self._tell(
                "enrolment-refused", {"peer": caller.address, "op": op, "reason": str(error)}
            )
            return {"error": str(error)}
        except GatehouseError as error:
            self._tell("enrolment-failed", {"op": op, "reason": str(error)})
            return {"error": "the station cannot do that now; its operator has been told"}

    def _join(self, caller: Caller, question: Mapping[str, object]) -> dict[str, object]:
        if self._attempts.blocked(caller.address):
            raise CheckFailedError("too many wrong tokens from your address; wait ten minutes")
        try:
            secret = base64.b64decode(_text(question, "secret"), validate=True)
        except ValueError as error:
            raise CheckFailedError("the token's secret cannot be read") from error
        try:
            joined = self._office.join(secret, _text(question, "request").encode())
        except CheckFailedError:
            self._attempts.failed(caller.address)
            raise
        about = {"gate": joined.papers.gate.client_id, "fingerprint": fingerprint(joined.key)}
        self._tell("enrolled", {**about, "serial": joined.serial, "peer": caller.address})
        return joined.papers.to_json()

    def _renew(self, caller: Caller, question: Mapping[str, object]) -> dict[str, object]:
        _need_certificate(caller)
        request = _text(question, "request").encode()
        gate, certificate, serial = self._office.renew(caller.serial, request)
        about = {"gate": gate.client_id, "serial": serial, "before": caller.serial}
        self._tell("renewed", {**about, "peer": caller.address})
        return {"certificate": certificate.decode()}

    def _confirm(self, caller: Caller) -> dict[str, object]:
        _need_certificate(caller)
        gate = self._office.confirm(caller.serial)
        about = {"gate": gate.client_id, "serial": caller.serial}
        self._tell("confirmed", {**about, "peer": caller.address})
        return {"confirmed": caller.serial}


def _need_certificate(caller: Caller) -> None:
    if not caller.serial:
        raise CheckFailedError("this needs the gate's certificate")


def _text(question: Mapping[str, object], key: str) -> str:
    value = question.get(key)
    if not isinstance(value, str) or not value:
        raise CheckFailedError(f"the question lacks {key!r}")
    return value
