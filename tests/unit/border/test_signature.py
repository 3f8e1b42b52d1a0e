"""The right key, another one, none: what a sender is told in each case."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from agent.border.signature import check_role
from agent.core.errors import RefusedError
from contract.signing import sign
from contract.words import Refusal, Role
from tests.support.signed import KEYS, STRANGER, TRUSTED

ORDER = {"issuer": "cancheng", "name": "rebirth"}
OLDER = {role: key for role, key in TRUSTED.keys.items() if role is not Role.DRILL}


def test_the_key_of_the_role_is_enough() -> None:
    check_role(sign(ORDER, KEYS[Role.CONFIG]), TRUSTED.keys, "cancheng", Role.CONFIG, "rebirth")


@pytest.mark.parametrize(
    ("key", "known", "reason", "detail"),
    [
        (KEYS[Role.DRILL], None, Refusal.UNKNOWN_ISSUER, "'cancheng'"),
        (KEYS[Role.DOOR], TRUSTED.keys, Refusal.WRONG_ROLE, "the key of role 'drill'"),
        (KEYS[Role.DOOR], OLDER, Refusal.WRONG_ROLE, "the key of role 'drill'"),
        (STRANGER, TRUSTED.keys, Refusal.BAD_SIGNATURE, ""),
        (KEYS[Role.DRILL], OLDER, Refusal.BAD_SIGNATURE, "no key of 'cancheng' for role 'drill'"),
    ],
)
def test_every_other_is_refused_with_a_reason(
    key: Ed25519PrivateKey,
    known: Mapping[Role, Ed25519PublicKey] | None,
    reason: Refusal,
    detail: str,
) -> None:
    with pytest.raises(RefusedError) as caught:
        check_role(sign(ORDER, key), known, "cancheng", Role.DRILL, "drill.start")
    assert caught.value.reason is reason
    assert detail in caught.value.detail
