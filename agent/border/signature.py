"""Whether the right key signed something: the one order in which that is refused.

Here: keys and bytes. Not here: which issuers and roles an order may have (its own reader says).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.core.errors import RefusedError
from contract.signing import is_signed_by
from contract.words import Refusal, Role


def check_role(
    signed: Mapping[str, Any],
    known: Mapping[Role, Ed25519PublicKey] | None,
    issuer: str,
    role: Role,
    what: str,
) -> None:
    """RefusedError unless *issuer*'s key of *role* signed *signed*, which is *what*.

    *known* are the keys of the issuer at this gate; None: it is not known here.
    """
    if known is None:
        raise RefusedError(Refusal.UNKNOWN_ISSUER, f"'{issuer[:32]}'")
    key = known.get(role)
    if key is not None and is_signed_by(signed, key):
        return
    if any(is_signed_by(signed, other) for other in known.values()):
        raise RefusedError(Refusal.WRONG_ROLE, f"'{what}' needs the key of role '{role}'")
    if key is None:
        detail = f"this gate has no key of '{issuer}' for role '{role}'; give it trusted-keys.json"
        raise RefusedError(Refusal.BAD_SIGNATURE, detail)
    raise RefusedError(Refusal.BAD_SIGNATURE)
