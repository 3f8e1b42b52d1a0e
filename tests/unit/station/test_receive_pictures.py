"""Pictures of leads: taken when their alert names them, and nothing of others is kept."""

from __future__ import annotations

import hashlib

import pytest

from station.values import File, News, Refuse
from tests.support.receive import Remembered, judge

PICTURE = b"\xff\xd8\xff\xe0 a face"
NAMED = hashlib.sha256(PICTURE).hexdigest()


@pytest.mark.parametrize("branch", ["", "drill/"])
def test_a_picture_that_its_alert_names_is_filed(branch: str) -> None:
    memory = Remembered(named={("a-1", 1): NAMED})
    verdict = judge(f"{branch}evidence/a-1/1", PICTURE, memory=memory)
    assert verdict.news is News.FILED
    write = verdict.writes[0]
    assert isinstance(write, File)
    assert write.body == PICTURE


@pytest.mark.parametrize(("n", "named"), [(1, "0" * 64), (2, NAMED)])
def test_another_picture_is_refused_and_nothing_of_it_is_kept(n: int, named: str) -> None:
    memory = Remembered(named={("a-1", 1): named})
    verdict = judge(f"evidence/a-1/{n}", PICTURE, memory=memory)
    assert verdict.news is News.MALFORMED
    write = verdict.writes[0]
    assert isinstance(write, Refuse)
    assert (write.head, write.size) == (b"", len(PICTURE))


def test_no_picture_of_a_rejected_lead_is_taken() -> None:
    memory = Remembered(named={("a-1", 1): NAMED}, gone={"a-1"})
    verdict = judge("evidence/a-1/1", PICTURE, memory=memory)
    assert not [write for write in verdict.writes if isinstance(write, File | Refuse)]


def test_nothing_is_kept_of_a_picture_that_is_too_large() -> None:
    (write,) = judge("evidence/a-1/1", PICTURE + bytes(300_000)).writes
    assert isinstance(write, Refuse)
    assert write.head == b""
