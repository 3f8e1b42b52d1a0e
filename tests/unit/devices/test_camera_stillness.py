"""What a picture is like, and whether it is the same as before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from devices.motion import Luma
from devices.stillness import Look, Stillness

ROWS, COLUMNS = 45, 80
SEEN = np.ones((ROWS, COLUMNS), np.bool_)


def sample(seed: int, sigma: float, level: int = 90) -> npt.NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(0, sigma, (60, 640)) if sigma else 0
    return np.clip(np.full((60, 640), level) + noise, 0, 255).astype(np.uint8)


def flat(level: float) -> Luma:
    return np.full((ROWS, COLUMNS), level, np.float32)


def scene() -> Luma:
    luma = flat(60)
    luma[np.indices((ROWS, COLUMNS)).sum(0) // 5 % 2 == 1] = 150
    return luma


def last_look(stillness: Stillness, sigma: float, seconds: int) -> Look:
    looks = [stillness.see(scene(), sample(t, sigma), float(t)) for t in range(seconds + 1)]
    return looks[-1]


def test_a_living_sensor_never_stands_still() -> None:
    assert last_look(Stillness(SEEN), sigma=0.6, seconds=60).still_s == 0


def test_the_same_picture_stands_still() -> None:
    assert last_look(Stillness(SEEN), sigma=0.0, seconds=60).still_s == 60


def test_a_ticking_clock_in_a_corner_does_not_make_a_picture_live() -> None:
    stillness = Stillness(SEEN)
    for second in range(41):
        ticking = sample(0, 0.0)
        ticking[:4, :240] = second
        look = stillness.see(scene(), ticking, float(second))
    assert look.still_s == 40


def test_a_change_starts_the_count_again() -> None:
    stillness = Stillness(SEEN)
    stillness.see(scene(), sample(0, 0.0), 0.0)
    stillness.see(scene(), sample(0, 0.0), 20.0)
    assert stillness.see(scene(), sample(0, 0.0, level=120), 21.0).still_s == 0
    assert stillness.see(scene(), sample(0, 0.0, level=120), 26.0).still_s == 5


def test_a_half_masked_picture_is_judged_by_its_visible_half() -> None:
    half = SEEN.copy()
    half[:, : COLUMNS // 2] = False
    luma = scene()
    luma[:, : COLUMNS // 2] = 0
    stillness = Stillness(half)
    for second in range(30):
        noise = sample(second, 0.6)
        noise[:, :320] = 0
        look = stillness.see(luma, noise, float(second))
    assert look.still_s == 0
    assert look.luma == pytest.approx(105, abs=5)


def test_a_wholly_masked_picture_says_nothing() -> None:
    nothing = Stillness(np.zeros((ROWS, COLUMNS), np.bool_))
    assert nothing.see(flat(0), sample(0, 0.0, 0), 0.0) == Look(0.0, 0.0, 0.0, 0.0)


def test_brightness_spread_and_detail() -> None:
    look = Stillness(SEEN).see(scene(), sample(0, 0.0), 0.0)
    assert look.luma == pytest.approx(105, abs=3)
    assert look.spread == pytest.approx(45, abs=2)
    assert look.detail > 15
    covered = Stillness(SEEN).see(flat(105), sample(0, 0.0), 0.0)
    assert (covered.spread, covered.detail) == (0.0, 0.0)


def test_noise_is_no_detail() -> None:
    stillness = Stillness(SEEN)
    for number in range(100):
        noise = np.random.default_rng(number).normal(0, 2, (ROWS, COLUMNS)).astype(np.float32)
        look = stillness.see(flat(90) + noise, sample(number, 2.0), number / 5)
    assert look.detail < 0.005 * look.luma * 1.2


def test_a_sample_of_another_size_is_another_picture() -> None:
    stillness = Stillness(SEEN)
    stillness.see(scene(), sample(0, 0.0), 0.0)
    assert stillness.see(scene(), sample(0, 0.0)[:30], 30.0).still_s == 0
