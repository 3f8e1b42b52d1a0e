"""Power cuts, failing syncs, full and rotten disks: what was reported durable is there.

The disk is ``tests.support.power``: the power goes at any write, sync or rename, takes whatever was
not synced, whole sectors and torn ones, and goes once more while the store recovers.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.core.ports import Lane
from agent.outbox.segments.codec import decode_append
from agent.outbox.segments.ledger import Damage
from agent.outbox.segments.log import KEEP_DAMAGED
from agent.outbox.segments.recovery import recover, segment_name
from agent.outbox.segments.store import SegmentStore
from agent.outbox.segments.table import Place
from tests.support.outbox_life import Reported, Step, check, live, script
from tests.support.power import Disk, PowerCutError
from tests.support.samples import entry

STEPS = 50
SOAK_SCRIPTS = 20
RNG = st.randoms(use_true_random=False)
MANY = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def seeded(seed: int) -> random.Random:
    """The same every time."""
    return random.Random(seed)  # noqa: S311 - repeatable


def made(disk: Disk, damage: list[Damage]) -> Callable[[], SegmentStore]:
    """Stores on *disk*, with segments so small that they turn often."""
    return lambda: SegmentStore(
        Path("outbox"), folder=disk, segment_bytes=8192, reserve=2, on_damage=damage.append
    )


def survive(steps: list[Step], cut_at: int, rng: random.Random) -> None:
    """Cut the power at change *cut_at*, again while recovering, and look."""
    disk, damage, reported = Disk(cut_at=cut_at), list[Damage](), Reported()
    with suppress(PowerCutError):
        live(made(disk, damage), steps, reported)
    again = disk.after_cut(rng)
    again.cut_at = rng.randint(1, 40)
    with suppress(PowerCutError):
        made(again, damage)().open()
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


def test_a_batch_larger_than_a_segment_survives_a_cut_at_every_change() -> None:
    batch = tuple(entry(number, body=bytes(1500)) for number in range(1, 13))
    steps = [Step((entry(20),)), Step(batch, ("alarm-20",)), Step((entry(30),), ("alarm-3",))]
    for cut_at in range(1, changes(steps) + 1):
        for seed in range(5):
            survive(steps, cut_at, seeded(seed))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(SOAK_SCRIPTS))
def test_a_power_cut_at_every_change_loses_nothing_that_was_reported(seed: int) -> None:
    steps = script(seeded(seed), STEPS, largest=1500)
    for cut_at in range(1, changes(steps) + 1):
        survive(steps, cut_at, seeded(seed * 10_000 + cut_at))


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
    before = records(disk)
    disk.rot(rng, flips)
    hit = {name for name, (place, raw) in before.items() if bytes_at(disk, place) != raw}
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
    aside = [name for told in damage for name in told.names]
    assert set(aside[-KEEP_DAMAGED:]) <= set(disk.files)
    store.close()
    check_opens_clean(disk)


def records(disk: Disk) -> dict[str, tuple[Place, bytes]]:
    """Where each entry stands, by its id, and the bytes of it."""
    table, found = recover(disk).table, {}
    for lane in Lane:
        for _, place in table.read(lane, 0):
            raw = bytes_at(disk, place)
            append = decode_append(raw, place.segment, place.offset)
            assert append is not None
            found[append.entry.id] = place, raw
    return found


def bytes_at(disk: Disk, place: Place) -> bytes:
    """A record as it is now."""
    return disk.open(segment_name(place.segment)).read(place.offset, place.length)


def check_opens_clean(disk: Disk) -> None:
    """What was moved aside is not found damaged a second time."""
    damage: list[Damage] = []
    made(disk, damage)().open()
    assert damage == []
