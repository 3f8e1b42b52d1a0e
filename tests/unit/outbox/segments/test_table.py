"""The table beside a dictionary that is simple enough to be right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.core.ports import Fill, Lane
from agent.outbox.segments.codec import Row
from agent.outbox.segments.table import Loader, Place, Table, Use


def row(position: int, lane: Lane = Lane.ALARM, *, offset: int = 512, name: str = "") -> Row:
    return Row(position, lane, position * 10, offset, 100, name or f"id-{position}")


def held(table: Table, lane: Lane = Lane.ALARM) -> list[tuple[int, Place]]:
    return list(table.read(lane, 0))


def test_the_last_copy_counts() -> None:
    table = Table()
    table.put(1, row(1))
    table.put(4, row(1, offset=2048))
    assert held(table) == [(1, Place(4, 2048, 100))]
    assert table.use(1) == Use()
    assert table.use(4) == Use(1, 100)
    assert len(table) == 1


def test_what_is_gone_is_gone_once() -> None:
    table = Table()
    table.put(1, row(1))
    table.drop(1)
    table.drop(1)
    table.drop(99)
    assert held(table) == []
    assert table.position_of("id-1") is None
    assert table.live_bytes == 0
    assert table.fill() == Fill(0, 0, None)


def test_surplus_events_are_the_oldest_and_the_old_ones() -> None:
    table = Table()
    for position in range(1, 7):
        table.put(1, row(position, Lane.EVENT))
    table.put(1, row(7))
    assert table.surplus(4, 0) == [1, 2]
    assert table.surplus(100, 31) == [1, 2, 3]
    assert table.surplus(5, 31) == [1, 2, 3]


def test_a_segment_tells_what_lives_in_it_in_its_own_order() -> None:
    table = Table()
    table.put(1, row(1, offset=900))
    table.put(1, row(2, Lane.EVENT, offset=600))
    table.put(2, row(3))
    assert table.within(1) == [
        (Lane.EVENT, 2, Place(1, 600, 100)),
        (Lane.ALARM, 1, Place(1, 900, 100)),
    ]


def test_of_two_entries_with_one_id_the_first_is_loaded() -> None:
    loader = Loader()
    loader.take(1, [row(1, name="same"), row(2, name="same"), row(3)])
    assert [position for position, _ in held(loader.table(set()))] == [1, 3]


POSITIONS = st.integers(1, 40)


@given(
    st.lists(st.tuples(st.integers(1, 5), POSITIONS, st.integers(1, 9)), max_size=60),
    st.sets(POSITIONS),
)
def test_whatever_order_segments_are_read_in_the_table_is_the_same(
    found: list[tuple[int, int, int]], removed: set[int]
) -> None:
    loader = Loader()
    for segment, position, offset in found:
        loader.take(segment, [row(position, Lane(position % 2), offset=offset * 512)])
    table = loader.table(removed)
    for lane in Lane:
        expected = {
            position: max((s, o * 512) for s, p, o in found if p == position)
            for _, position, _ in found
            if position not in removed and position % 2 == lane
        }
        assert {p: place[:2] for p, place in held(table, lane)} == expected
        assert [p for p, _ in held(table, lane)] == sorted(expected)
    assert table.live_bytes == 100 * len(table)


@given(st.lists(st.integers(-3000, 3000), max_size=300), st.integers(0, 3000))
def test_thousands_come_and_go_and_are_found_in_order(steps: list[int], after: int) -> None:
    table, model, position = Table(), dict[int, str](), 0
    for step in steps:
        for _ in range(max(step, 0) // 100):
            position += 1
            table.put(position // 50, row(position))
            model[position] = f"id-{position}"
        if step < 0:
            for old in list(model)[: -step // 50]:
                table.drop(old)
                del model[old]
    assert [p for p, _ in table.read(Lane.ALARM, after)] == [p for p in model if p > after]
    assert all(table.position_of(name) == p for p, name in model.items())
    assert table.fill().alarms == len(table) == len(model)
