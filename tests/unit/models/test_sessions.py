from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.errors import PackError
from models.sessions import Session, memory_file


def test_a_memory_file_has_exactly_the_bytes_and_leaves_nothing() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with memory_file(b"abc" * 1000) as path:
        assert Path(path).read_bytes() == b"abc" * 1000
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("data", [b"", b"no network", bytes(1000)])
def test_bytes_that_are_no_network_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(PackError, match=r"pack/embedder\.onnx is no network"):
        Session(data, "pack/embedder.onnx")
