"""The motion gate: noise and light keep it shut, a person opens it and may stand still."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from devices.motion import Luma, Motion, MotionGate

ROWS, COLUMNS = 90, 160
FPS = 5
AREA = 0.002
HOLD_S = 5.0
Scene = Callable[[float], Luma]


def gate(**changes: float) -> MotionGate:
    options = {"area": AREA, "hold_s": HOLD_S} | changes
    return MotionGate(np.ones((ROWS, COLUMNS), np.bool_), **options)


def background() -> Luma:
    columns = np.tile(np.linspace(40, 180, COLUMNS), (ROWS, 1))
    luma: Luma = (columns + 10 * (np.indices((ROWS, COLUMNS)).sum(0) % 7)).astype(np.float32)
    return luma


def noisy(luma: Luma, sigma: float, seed: int) -> Luma:
    noise = np.random.default_rng(seed).normal(0, sigma, luma.shape)
    seen: Luma = np.clip(luma + noise, 0, 255).astype(np.float32)
    return seen


def person(luma: Luma, column: int) -> Luma:
    with_person = luma.copy()
    with_person[30:70, column : column + 12] = 15
    return with_person


def watch(gate: MotionGate, scene: Scene, seconds: float, start_s: float = 0.0) -> list[Motion]:
    def looks() -> Iterator[Motion]:
        for number in range(round(seconds * FPS)):
            now_s = start_s + number / FPS
            yield gate.see(scene(now_s), now_s)

    return list(looks())


def settled(sigma: float = 1.0) -> MotionGate:
    ready = gate()
    watch(ready, lambda t: noisy(background(), sigma, round(t * FPS)), 10)
    return ready


def test_the_first_frames_are_looked_at_whatever_is_on_them() -> None:
    motions = watch(gate(), lambda _: background(), HOLD_S + 2)
    assert [m.worth for m in motions] == [True] * (round(HOLD_S * FPS) + 1) + [False] * 9


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.5, 2.0])
def test_sensor_noise_does_not_open_it(sigma: float) -> None:
    motions = watch(gate(), lambda t: noisy(background(), sigma, round(t * FPS)), 60)
    assert not any(m.moving for m in motions)


def test_a_very_noisy_sensor_is_learnt_within_seconds() -> None:
    motions = watch(gate(), lambda t: noisy(background(), 4.0, round(t * FPS)), 60)
    assert not any(m.moving for m in motions[5 * FPS :])


def test_slow_light_does_not_open_it() -> None:
    def dusk(now_s: float) -> Luma:
        return noisy(background() * np.float32(1 - 0.8 * now_s / 300), 1.0, round(now_s * FPS))

    assert not any(m.moving for m in watch(gate(), dusk, 300))


def test_a_step_of_exposure_does_not_open_it() -> None:
    ready = settled()
    brighter = (background() * 1.3).astype(np.float32)
    motions = watch(ready, lambda t: noisy(brighter, 1.0, round(t * FPS)), 20, start_s=20)
    assert not any(m.moving for m in motions)


def test_a_lamp_that_is_switched_is_looked_at_once_and_learnt() -> None:
    ready = settled()
    lit = background()
    lit[:, :120] = 220
    motions = watch(ready, lambda t: noisy(lit, 1.0, round(t * FPS)), 20, start_s=20)
    assert motions[0].moving
    assert not any(m.moving for m in motions[2:])


def test_a_walker_opens_it_at_once() -> None:
    ready = settled()
    motions = watch(ready, lambda t: person(background(), round((t - 20) * 20)), 5, start_s=20)
    assert all(m.moving and m.worth for m in motions)
    assert motions[3].share == pytest.approx(40 * 12 / (ROWS * COLUMNS), rel=0.4)


def test_a_person_who_stands_still_at_the_door_is_looked_at_for_a_minute() -> None:
    ready = settled()
    standing = person(background(), 80)
    motions = watch(ready, lambda t: noisy(standing, 1.0, round(t * FPS)), 60, start_s=20)
    assert all(m.worth for m in motions)


def test_it_stays_open_for_the_hold_time_after_the_last_motion() -> None:
    ready = settled()
    watch(ready, lambda _: person(background(), 80), 1, start_s=20)
    motions = watch(ready, lambda _: background(), 8, start_s=21)
    assert 1 + HOLD_S * FPS >= sum(m.worth for m in motions) >= HOLD_S * FPS - 1


def test_a_parked_car_becomes_furniture() -> None:
    ready = settled()
    parked = person(background(), 80)
    watch(ready, lambda t: noisy(parked, 1.0, round(t * FPS)), 600, start_s=20)
    assert not ready.see(parked, 621).worth


def test_leaves_that_never_rest_are_given_up_after_a_while() -> None:
    ready = settled()

    def leaves(now_s: float) -> Luma:
        moved = background()
        moved[5:25, 100:140] += np.float32(25) * ((round(now_s * FPS) % 2) * 2 - 1)
        return moved

    motions = watch(ready, leaves, 240, start_s=20)
    assert any(m.moving for m in motions[:10])
    assert not any(m.moving for m in motions[-300:])


def test_specks_do_not_open_it() -> None:
    ready = settled()
    specks = background()
    specks[10:80:5, 10:150:5] = 255
    assert not ready.see(specks, 20).moving


def test_what_is_masked_cannot_open_it() -> None:
    visible = np.ones((ROWS, COLUMNS), np.bool_)
    visible[:, 70:110] = False
    ready = MotionGate(visible, area=AREA, hold_s=0.5)
    watch(ready, lambda _: background(), 5)
    motions = watch(ready, lambda _: person(background(), 80), 5, start_s=20)
    assert not any(m.moving or m.worth for m in motions)


def test_a_wholly_masked_picture_is_no_error() -> None:
    ready = MotionGate(np.zeros((ROWS, COLUMNS), np.bool_), area=AREA, hold_s=0.5)
    motions = watch(ready, lambda _: background(), 5)
    assert not motions[-1].worth


def test_it_can_be_held_open() -> None:
    ready = settled()
    ready.attend(24.0)
    motions = watch(ready, lambda _: background(), 6, start_s=20)
    assert [m.worth for m in motions] == [True] * 21 + [False] * 9
    assert ready.open(23.9)
    assert not ready.open(24.1)


def test_a_clock_that_stands_is_no_error() -> None:
    ready = settled()
    assert ready.see(background(), 20) == ready.see(background(), 20)
