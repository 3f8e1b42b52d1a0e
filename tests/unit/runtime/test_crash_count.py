"""Which start is a normal one, which a reduced one, and what the next will be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.runtime.crash_count import SAFE_AFTER, CrashCount, Level, Start

BOOT, NEXT_BOOT = "boot-1", "boot-2"


class Core:
    """Lives of a core, one after the other, each ending as told."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "starts.json"
        self.left: list[None] = []

    def begin(self, boot: str = BOOT) -> tuple[CrashCount, Start]:
        """One more life begins."""
        count = CrashCount(self.path, boot)
        return count, count.begin(leave=lambda: self.left.append(None))

    def dies(self, times: int = 1, *, at: str = "start", boot: str = BOOT) -> list[Level]:
        """It dies so often at its outbox, at its start, or later; the levels of these lives."""
        levels = []
        for _ in range(times):
            count, start = self.begin(boot)
            levels.append(start.level)
            if at != "outbox":
                start.outbox_open()
            if at == "later":
                count.born()
        return levels


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path)


def test_ten_deaths_at_the_start(core: Core) -> None:
    assert core.dies(10) == [Level.NORMAL] * 5 + [Level.SAFE] * 2 + [Level.BARE] * 3


def test_the_tenth_start_leaves_the_data_folder_alone(core: Core) -> None:
    lives = []
    for _ in range(12):
        _, start = core.begin()
        start.outbox_open()
        lives.append(start.outbox_in_memory)
    assert lives == [False] * 9 + [True] * 3


def test_a_bare_life_that_was_up_goes_no_further(core: Core) -> None:
    core.dies(SAFE_AFTER + 2)
    core.dies(20, at="later")
    _, start = core.begin()
    assert (start.level, start.outbox_in_memory) == (Level.BARE, False)


def test_what_dies_later_stays_in_safe_mode(core: Core) -> None:
    """It was up: a poisonous message or so, which less configuration does not cure."""
    assert core.dies(12, at="later") == [Level.NORMAL] * 5 + [Level.SAFE] * 7


def test_the_outbox_is_left_out_only_when_opening_it_is_what_kills(core: Core) -> None:
    core.dies(SAFE_AFTER + 2)
    assert not core.begin()[1].outbox_in_memory
    other = Core(core.path.parent / "other")
    other.dies(SAFE_AFTER + 2, at="outbox")
    lives = [other.begin()[1] for _ in range(3)]
    assert [life.outbox_in_memory for life in lives] == [True] * 3


def test_an_outbox_that_opened_in_between_is_no_suspect(core: Core) -> None:
    core.dies(SAFE_AFTER + 1, at="outbox")
    core.dies(1)
    core.dies(1, at="outbox")
    assert not core.begin()[1].outbox_in_memory


def test_a_life_in_memory_does_not_make_the_outbox_well(core: Core) -> None:
    core.dies(SAFE_AFTER + 2, at="outbox")
    core.dies(1, at="later")
    assert core.begin()[1].outbox_in_memory


def test_what_helped_it_up_is_kept_until_it_proved_itself(core: Core) -> None:
    core.dies(SAFE_AFTER + 2)
    assert core.dies(3, at="later") == [Level.BARE] * 3


@pytest.mark.parametrize("deaths", range(SAFE_AFTER))
def test_a_life_that_proves_itself_is_a_clean_slate(core: Core, deaths: int) -> None:
    core.dies(deaths)
    count, _ = core.begin()
    count.born()
    count.proved()
    assert core.dies(5) == [Level.NORMAL] * 5


@pytest.mark.parametrize("deaths", [SAFE_AFTER, SAFE_AFTER + 2])
def test_after_a_reduced_life_comes_a_normal_one_that_may_not_crash(
    core: Core, deaths: int
) -> None:
    core.dies(deaths)
    count, start = core.begin()
    assert start.level is not Level.NORMAL
    start.leave()
    count.proved()
    assert core.left == [None]
    assert core.dies(2) == [Level.NORMAL, Level.SAFE]


def test_crashes_of_another_boot_do_not_count(core: Core) -> None:
    core.dies(9)
    assert core.dies(5, boot=NEXT_BOOT) == [Level.NORMAL] * 5


def test_the_reason_is_kept_for_people(core: Core) -> None:
    for _ in range(SAFE_AFTER):
        core.begin()[0].failed(KeyError("wanted"))
    _, start = core.begin()
    assert (start.failed, start.error) == (SAFE_AFTER, "KeyError: 'wanted'")


def test_a_second_agent_on_the_folder_is_no_crash(core: Core) -> None:
    core.dies(SAFE_AFTER - 1)
    for _ in range(9):
        core.begin()[0].undo()
    assert core.dies(2) == [Level.NORMAL, Level.SAFE]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"boot_id": "boot-1"}',
        b'{"boot_id": "boot-1", "unproven": 1e99, "unborn": 0, "at_outbox": 0, "error": ""}',
        b'{"boot_id": "boot-1", "unproven": true, "unborn": 0, "at_outbox": 0, "error": ""}',
        b'{"boot_id": "boot-1", "unproven": -3, "unborn": 0, "at_outbox": 0, "error": ""}',
    ],
)
def test_a_damaged_count_is_no_count(core: Core, content: bytes) -> None:
    core.path.parent.mkdir()
    core.path.write_bytes(content)
    assert core.dies(6) == [Level.NORMAL] * 5 + [Level.SAFE]


def test_a_disk_that_refuses_changes_nothing(core: Core) -> None:
    core.path.mkdir(parents=True)
    assert core.dies(9) == [Level.NORMAL] * 9


def test_the_file_is_small_and_says_what_it_means(core: Core) -> None:
    core.dies(2)
    value: dict[str, Any] = json.loads(core.path.read_bytes())
    assert value == {"boot_id": BOOT, "unproven": 2, "unborn": 0, "at_outbox": 0, "error": ""}
