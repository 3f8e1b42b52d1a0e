from __future__ import annotations

import hashlib

import pytest

from models import pictures

HASHES = {
    "noise-150": "ddfab85264fcf103",
    "gradient-150": "224061ad7a1c3e4d",
    "noise-112": "f6d3ab219ac70d1f",
    "gradient-112": "9445337c036ff9c6",
    "noise-94x24": "ee9192d8aba53ccf",
    "soft-96x64": "e7ecf3bf0a7f6e27",
    "head-320x256": "d3dc8d12f037b9ed",
    "head-lean-480x520": "ca9a6e640baf0f32",
}


@pytest.mark.parametrize("name", pictures.names())
def test_pictures_are_the_same_bytes_on_every_machine(name: str) -> None:
    assert hashlib.sha256(pictures.picture(name).tobytes()).hexdigest()[:16] == HASHES[name]
