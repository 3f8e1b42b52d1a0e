"""Templates are kept under the site's transform: on arrival, over a new seed, without a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.border.protection import Converted
from agent.core.clock import ManualClock
from agent.core.errors import StoreError
from agent.files.transforms import SiteTransforms, parted
from agent.watchlist.service import Watchlist
from models.transform import SiteTransform
from tests.support.signed import PHOTO, TRUSTED, listed, template
from tests.support.vision import OTHER, ROW, Bench, break_disk


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path, clock)


@pytest.fixture
def transforms(bench: Bench) -> SiteTransforms:
    return protect(bench)


def protect(bench: Bench) -> SiteTransforms:
    """The bench's list, with the seeds that its folder keeps."""
    transforms = SiteTransforms(bench.path.with_name("transforms.json"))
    old = bench.list
    bench.list = Watchlist(
        old._store,
        TRUSTED,
        old._address,
        bench.clock,
        on_change=bench.reported.append,
        audit=bench.audit,
        transforms=transforms,
    )
    return transforms


def turned(transforms: SiteTransforms, row: bytes) -> bytes:
    """A row as it is kept."""
    values = np.frombuffer(row, "<f4")
    return SiteTransform("", transforms.current.secret).apply(values).tobytes()


def convert(bench: Bench, transforms: SiteTransforms) -> bytes:
    """Answer the oldest order to convert as vision does; the rows that it sent back."""
    matrix, dim, seed, done = bench.vision.conversions.pop(0)
    rows = np.frombuffer(matrix, "<f4").reshape(-1, dim).astype(np.float32)
    if seed is not None:
        rows = SiteTransform("", seed.secret).undo(rows)
    now = transforms.current
    made = SiteTransform("", now.secret).apply(rows).tobytes()
    done(Converted(1, dim, now.name), made)
    return made


def kept(bench: Bench) -> dict[str, list[bytes]]:
    """The templates of the one entry, as the store holds them."""
    (entry,) = bench.list._store.entries
    return {name: list(rows) for name, rows in entry.templates.items()}


def test_templates_of_a_list_are_converted_before_they_are_searched(
    bench: Bench, transforms: SiteTransforms
) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    assert bench.vision.protected == [transforms.current.name]
    bench.apply(bench.made())
    assert bench.vision.searched == []
    assert convert(bench, transforms) == turned(transforms, ROW) != ROW
    assert kept(bench) == {transforms.kept_as("dlib"): [turned(transforms, ROW)]}
    assert bench.vision.searched == ["w-1"]
    assert bench.vision.galleries[-1][1] == turned(transforms, ROW)
    assert ROW.hex() not in bench.path.read_bytes().hex()
    assert [row.state for row in bench.list.listing()] == ["active"]


def test_look_alikes_and_other_embedders_are_converted_too(
    bench: Bench, transforms: SiteTransforms
) -> None:
    near = {"templates": [template("dlib", OTHER)], "legal_basis": "his consent"}
    both = [template("dlib", ROW), template("sface", ROW, OTHER)]
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made(templates=both, not_this_person=[near]))
    assert len(bench.vision.conversions[0][0]) == len(ROW + OTHER), "one length a lot"
    convert(bench, transforms)
    convert(bench, transforms)
    (entry,) = bench.list._store.entries
    names = {parted(name) for name in entry.names}
    assert names == {("dlib", transforms.current.name), ("sface", transforms.current.name)}
    (row,) = entry.look_alikes[transforms.kept_as("dlib")]
    assert row == turned(transforms, OTHER)
    assert bench.vision.conversions == []


def test_photos_become_templates_under_the_seed_of_now(
    bench: Bench, transforms: SiteTransforms
) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(listed(bench.clock))
    bench.vision.answer(ROW)
    assert kept(bench) == {transforms.kept_as("dlib"): [ROW]}


def test_a_new_seed_converts_what_is_kept_and_the_older_one_is_forgotten(
    bench: Bench, transforms: SiteTransforms
) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made())
    convert(bench, transforms)
    before, old = kept(bench), transforms.current
    transforms.renew()
    assert transforms.known(old.name) is old, "until nothing is under it"
    assert bench.vision.protected[-1] == transforms.current.name != old.name
    convert(bench, transforms)
    after = kept(bench)
    assert after.keys() == {transforms.kept_as("dlib")}
    assert np.allclose(
        np.frombuffer(after[transforms.kept_as("dlib")][0], "<f4"),
        np.frombuffer(turned(transforms, ROW), "<f4"),
        atol=1e-6,
    )
    assert before.values() != after.values()
    assert transforms.known(old.name) is None
    seeds = bench.path.with_name("transforms.json").read_text()
    assert transforms.current.secret.hex() in seeds
    assert old.secret.hex() not in seeds
    assert bench.vision.searched == ["w-1"]


def test_a_new_seed_without_vision_waits_for_it(bench: Bench, transforms: SiteTransforms) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made())
    convert(bench, transforms)
    bench.list.vision_lost()
    transforms.renew()
    again = protect(bench)
    assert again.current.name == transforms.current.name, "over a restart"
    bench.list.vision_up(bench.vision, "dlib")
    assert bench.list.applied()[0].resend == (), "nothing has to be sent again"
    convert(bench, again)
    assert kept(bench).keys() == {again.kept_as("dlib")}


def test_with_nothing_kept_the_older_seed_goes_at_once(
    bench: Bench, transforms: SiteTransforms
) -> None:
    """As at a wipe, whether vision is there or not."""
    bench.apply(bench.made())
    old = transforms.current
    bench.list.wipe()
    transforms.renew()
    assert transforms.known(old.name) is None
    assert old.secret.hex() not in bench.path.with_name("transforms.json").read_text()


def test_photos_that_were_embedded_under_the_older_seed_are_embedded_again(
    bench: Bench, transforms: SiteTransforms
) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(listed(bench.clock))
    (_, done), old = bench.vision.asked[0], transforms.current.name
    transforms.renew()
    bench.vision.asked.clear()
    from_before = bench.vision.protected.pop()
    bench.vision.asked.append(([PHOTO], done))
    assert bench.vision.protected[-1] == old
    bench.vision.answer(ROW)
    assert kept(bench) == {}
    bench.vision.protected.append(from_before)
    bench.vision.answer(OTHER)
    assert kept(bench) == {transforms.kept_as("dlib"): [OTHER]}


def test_an_answer_of_another_length_or_transform_is_not_kept(
    bench: Bench, transforms: SiteTransforms
) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made())
    for answer, rows in (
        (Converted(1, 2, "0" * 16), ROW),
        (Converted(1, 2, transforms.current.name), ROW + ROW),
        (Converted(1, 4, transforms.current.name), ROW),
    ):
        *_, done = bench.vision.conversions.pop(0)
        done(answer, rows)
        assert kept(bench) == {"dlib": [ROW]}
    convert(bench, transforms)
    assert bench.vision.searched == ["w-1"]


def test_without_their_seed_templates_must_be_sent_again(
    bench: Bench, transforms: SiteTransforms
) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made())
    convert(bench, transforms)
    bench.list.vision_lost()
    bench.path.with_name("transforms.json").unlink()
    protect(bench)
    bench.list.vision_up(bench.vision, "dlib")
    assert (bench.vision.galleries[-1][0], bench.vision.conversions) == ([], [])
    assert bench.list.applied()[0].resend == ("w-1",)


def test_nothing_is_searched_while_vision_did_not_hear_the_seed(
    bench: Bench, transforms: SiteTransforms
) -> None:
    bench.apply(bench.made())
    bench.vision.listens = False
    bench.list.vision_up(bench.vision, "dlib")
    bench.list.expire()
    bench.vision.listens = True
    assert (bench.vision.galleries, bench.vision.conversions) == ([], [])
    bench.list.expire()
    convert(bench, transforms)
    assert bench.vision.searched == ["w-1"]


def test_what_cannot_be_stored_is_converted_again(bench: Bench, transforms: SiteTransforms) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made())
    break_disk(bench.path)
    convert(bench, transforms)
    assert kept(bench) == {"dlib": [ROW]}
    bench.list.expire()
    assert len(bench.vision.conversions) == 1


def test_a_list_cannot_claim_a_transform(bench: Bench, transforms: SiteTransforms) -> None:
    claimed = [template(transforms.kept_as("dlib"), ROW)]
    applied = bench.apply(bench.made(templates=claimed))
    assert [rejected.entry_id for rejected in applied.rejected] == ["w-1"]


@pytest.mark.parametrize(
    "damage",
    [
        '{"seeds": {"1": {"seed": "00"}}}',
        '{"seeds": {"1": {"seed": 3}}}',
        '{"seeds": []}',
        '{"seeds": {"x": {"seed": ""}}}',
        "[]",
        "no",
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "transforms.json"
    path.write_text(damage)
    with pytest.raises(StoreError):
        SiteTransforms(path)


def test_a_seed_is_in_no_text(tmp_path: Path) -> None:
    seed = SiteTransforms(tmp_path / "transforms.json").current
    assert seed.secret.hex() not in repr(seed)
    assert repr(seed.secret) not in repr(seed)
