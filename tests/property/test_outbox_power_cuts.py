"""Power cuts, failing syncs, full and rotten disks: what was reported durable is there.

The disk is ``tests.support.power``: the power goes at any write, sync or rename, takes whatever was
not synced, whole sectors and torn ones, and goes once more while the store recovers.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.core.ports import Lane
from agent.outbox.segments.ledger import Damage
from agent.outbox.segments.recovery import recover
from agent.outbox.segments.store import SegmentStore
from tests.support.outbox_life import Reported, Step, check, live, script
from tests.support.power import Disk, PowerCutError
from tests.support.samples import entry

STEPS = 50
SOAK_SCRIPTS = 20
RNG = st.randoms(use_true_random=False)
MANY = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def made(disk: Disk, damage: list[Damage]) -> Callable[[], SegmentStore]:
    """Stores on *disk*, with segments so small that they turn often."""
    return lambda: SegmentStore(
        Path("outbox"), folder=disk, segment_bytes=8192, reserve=2, on_damage=damage.append
    )


def survive(steps: list[Step], cut_at: int, rng: random.Random) -> None:
    """Cut the power at change *cut_at*, again while recovering, and look."""
    disk, damage, reported = Disk(cut_at=cut_at), list[Damage](), Reported()
    try:
        live(made(disk, damage), steps, reported)
    except PowerCutError:
        pass
    again = disk.after_cut(rng)
    again.cut_at = rng.randint(1, 40)
    try:
        made(again, damage)().open()
    except PowerCutError:
        pass
    found = made(again.after_cut(rng), damage)()
    check(found, reported)
    assert damage == [], "a power cut is no damage"
    found.write([entry(10_000)], [])
    assert found.read(Lane.ALARM, 0, 1000)[-1][1] == entry(10_000)


def changes(steps: list[Step]) -> int:
    """How many changes of the disk *steps* make."""
    disk = Disk()
    live(made(disk, []), steps, Reported())
    return disk.steps


@MANY
@given(RNG)
def test_a_power_cut_loses_nothing_that_was_reported(rng: random.Random) -> None:
    steps = script(rng, STEPS, largest=1500)
    survive(steps, rng.randint(1, changes(steps)), rng)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(SOAK_SCRIPTS))
def test_a_power_cut_at_every_change_loses_nothing_that_was_reported(seed: int) -> None:
    steps = script(random.Random(seed), STEPS, largest=1500)
    for cut_at in range(1, changes(steps) + 1):
        survive(steps, cut_at, random.Random(seed * 10_000 + cut_at))


@MANY
@given(RNG)
def test_after_a_failed_sync_nothing_counts_that_is_only_in_memory(rng: random.Random) -> None:
    """The system shows what was written; the disk has never got it. Then the power goes."""
    steps = script(rng, STEPS, largest=1500)
    syncs = {rng.randint(1, 30) * 6 for _ in range(6)}
    disk, reported = Disk(), Reported()
    disk.failing = lambda number: number in syncs
    live(made(disk, []), steps, reported)
    check(made(disk.after_cut(rng), [])(), reported)


@MANY
@given(RNG)
def test_a_full_disk_refuses_and_loses_nothing(rng: random.Random) -> None:
    """Alarms that it took are there, also after a cut; events may have given way to alarms."""
    steps = [step for step in script(rng, STEPS, largest=1500) if not step.start]
    disk, reported, damage = Disk(room=rng.randint(4, 14) * 8192), Reported(), list[Damage]()
    live(made(disk, damage), steps, reported)
    reported.may_go |= {one.id for one in reported.offered if one.lane is Lane.EVENT}
    again = disk.after_cut(rng)
    again.room *= 2
    check(made(again, damage)(), reported)
    assert damage == []


@MANY
@given(RNG, st.integers(1, 64))
def test_a_rotten_store_gives_what_was_not_hit_and_tells_the_rest_by_name(
    rng: random.Random, flips: int
) -> None:
    steps = script(rng, STEPS, largest=1500)
    disk, reported, damage = Disk(), Reported(), list[Damage]()
    live(made(disk, damage), steps, reported).close()
    watched = places(disk)
    disk.rot(rng, flips)
    hit = {name for name, changed in watched.items() if changed()}
    store = made(disk, damage)()
    store.open()
    held = {lane: [one for _, one in store.read(lane, 0, 1000)] for lane in Lane}
    names = [one.id for ones in held.values() for one in ones]
    offered = {one.id: one for one in reported.offered}
    assert all(offered[one.id] == one for ones in held.values() for one in ones), "invented"
    for ones in held.values():
        assert [one.seq for one in ones] == sorted({one.seq for one in ones})
    lost = reported.durable.keys() - set(names)
    assert lost <= hit
    assert not lost or damage
    for told in damage:
        assert all(name in disk.files for name in told.names[-4:])
    store.close()
    check_opens_clean(disk)


def places(disk: Disk) -> dict[str, Callable[[], bool]]:
    """For each entry, by its id: whether the bytes of its record changed since."""
    table = recover(disk).table
    watched: dict[str, Callable[[], bool]] = {}
    for lane in Lane:
        for _, place in table.read(lane, 0):
            file = disk.files[f"{place.segment:08d}.segment"]
            stop = place.offset + place.length
            before = bytes(file.seen[place.offset : stop])

            def changed(file=file, at=place.offset, stop=stop, before=before) -> bool:  # type: ignore[no-untyped-def]
                return bytes(file.seen[at:stop]) != before

            watched[id_of(before)] = changed
    return watched


def id_of(record: bytes) -> str:
    """The id in the bytes of a record."""
    return next(
        word.decode() for word in (record[at : at + n] for at in (16 + 28,) for n in (record[14],))
    )


def check_opens_clean(disk: Disk) -> None:
    """What was moved aside is not found damaged a second time."""
    damage: list[Damage] = []
    made(disk, damage)().open()
    assert damage == []
