"""Signs the examples of the contract: ``python -m tests.tools.sign_examples``.

Edit an example, run this, commit both. The keys are made from their role's name and known to
everybody: they are for examples only, and no gate may ever trust them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.signing import TrustedKeys, sign
from contract.words import CommandName, Role

EXAMPLES = Path(__file__).parents[2] / "contract" / "examples"
SIGNED = ("area-bulletin", "area-call.station", "cmd", "document", "task", "watchlist")
STATION = "cancheng"


def example_key(role: Role) -> Ed25519PrivateKey:
    """The key of a role in examples."""
    seed = hashlib.sha256(b"gatehouse contract example: " + role.value.encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def signed(example: Mapping[str, Any]) -> dict[str, Any]:
    """*example* with the signature of its role's key."""
    role = Role(example.get("role") or CommandName(example["name"]).role)
    return sign(example, example_key(role))


def files() -> list[Path]:
    """The examples that carry a signature."""
    return sorted(
        p for p in EXAMPLES.glob("*.json") if {p.stem, p.name.split(".")[0]} & set(SIGNED)
    )


def text_of(value: object) -> str:
    """As examples are written."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def trusted_keys() -> TrustedKeys:
    """The public half."""
    return TrustedKeys(STATION, {role: example_key(role).public_key() for role in Role})


def main() -> None:
    """Sign them all."""
    for path in files():
        value = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(text_of(signed(value)), encoding="utf-8")
    (EXAMPLES / "trusted-keys.json").write_bytes(trusted_keys().to_json())


if __name__ == "__main__":
    main()
