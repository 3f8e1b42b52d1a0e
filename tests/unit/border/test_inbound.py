"""One way to read what somebody else wrote: strictly, or not at all."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from agent.border.inbound import read_model
from agent.core.errors import RefusedError
from contract.words import Refusal


class _Ack(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    alert_id: str
    n: int = 0


def refusal(payload: bytes, limit: int = 200) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read_model(_Ack, payload, limit)
    return caught.value


def test_a_good_message_is_given_as_model_and_as_it_was() -> None:
    model, value = read_model(_Ack, b'{"alert_id": "a", "n": 5}', 100)
    assert model == _Ack(alert_id="a", n=5)
    assert value == {"alert_id": "a", "n": 5}


def test_a_message_may_be_as_large_as_the_limit_and_no_larger() -> None:
    payload = b'{"alert_id": "a"}'
    read_model(_Ack, payload, len(payload))
    error = refusal(payload, len(payload) - 1)
    assert error.reason == Refusal.TOO_LARGE
    assert error.detail == "17 bytes, at most 16"


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"", "the message "),
        (b"{", "the message "),
        (b"[]", "the message is not a JSON object"),
        (b"\xff{}", "the message "),
        (b'{"alert_id": "a", "alert_id": "b"}', "the message has a key twice"),
        (b'{"alert_id": "a", "n": NaN}', "the message has NaN, which is not JSON"),
        (b'{"alert_id": 5}', "alert_id: Input should be a valid string"),
        (b'{"alert_id": "a", "n": "5"}', "n: Input should be a valid integer"),
        (b'{"alert_id": "a", "n": 5.0}', "n: Input should be a valid integer"),
        (b'{"n": 5}', "alert_id: Field required"),
        (b'{"alert_id": "a", "more": 1}', "more: Extra inputs are not permitted"),
    ],
)
def test_a_bad_message_is_malformed_and_the_first_fault_is_named(
    payload: bytes, detail: str
) -> None:
    error = refusal(payload)
    assert error.reason == Refusal.MALFORMED
    assert error.detail.startswith(detail)


def test_a_message_that_nests_without_end_is_malformed() -> None:
    assert refusal(b"[" * 100_000, 1 << 20).reason == Refusal.MALFORMED
    assert refusal(b'{"a":' * 100_000, 1 << 20).reason == Refusal.MALFORMED


def test_a_number_of_five_thousand_digits_is_malformed() -> None:
    payload = b'{"alert_id": "a", "n": ' + b"9" * 5000 + b"}"
    assert refusal(payload, 1 << 20).reason == Refusal.MALFORMED


def test_a_fault_is_told_in_few_words() -> None:
    error = refusal(b'{"alert_id": "a", "' + b"x" * 1000 + b'": 1}', 1 << 20)
    assert len(error.detail) <= 300
