"""Preparing and playing the demo. Everything is made below one folder."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console

from agent.core.errors import CheckFailedError
from agent.files.atomic import FolderLock
from models.fetch import fetch_pack
from provisioning.demo.broker import BrokerKind
from provisioning.demo.photos import LISTED, STRANGER, VOLUNTEER, Photo, fetch_photos
from provisioning.demo.show import JsonShow, LiveShow, PlainShow, Show, verdict
from provisioning.demo.site import Site
from provisioning.demo.stage import Stage
from provisioning.demo.story import Scene, Title, judge, story
from provisioning.demo.video import Picture, Walk, make_video
from provisioning.progress import bars
from station.lang import Lang, lang_of

TICK_S = 0.1
SETTLE_S = 3.0
VIDEO_S = 36.0
PHOTO_FACE_PX = 180
VOLUNTEER_WALKS = (8.0, 15.0)
STRANGER_WALKS = (20.0, 27.0)


def play_demo(
    folder: Path,
    models: Path,
    lang: Lang | None,
    broker: BrokerKind | None,
    *,
    once: bool,
    as_json: bool,
) -> bool:
    """Prepare, play and judge below *folder*, with packs in *models*; True when all is well."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(folder)
    lock.acquire()
    try:
        site = Site(folder)
        _clear(site)
        _prepare(site, models)
        stage = Stage(site, models, _drill_photos(site), broker)
        return _perform(stage, _show(lang or lang_of(), as_json=as_json), once=once)
    finally:
        lock.release()


def _clear(site: Site) -> None:
    """A demo starts from nothing, but keeps what was fetched or takes long to make."""
    for name in ("data", "run", "station", "broker", "log"):
        shutil.rmtree(site.folder / name, ignore_errors=True)


def _prepare(site: Site, models: Path) -> None:
    with bars() as report:
        fetch_pack("dlib", models, progress=report)
        fetch_photos(site.photos, report)
        if not site.video.exists():
            walks = [
                _walk(site, VOLUNTEER, VOLUNTEER_WALKS),
                _walk(site, STRANGER, STRANGER_WALKS),
            ]
            part = site.video.with_suffix(".part.mp4")
            make_video(part, walks, VIDEO_S, lambda share: report("video of passers-by", share))
            part.replace(site.video)


def _drill_photos(site: Site) -> list[Path]:
    """The listed person's photos, cut to head and shoulders: a message takes 256 KiB."""
    cut = []
    for photo in LISTED:
        x, y, width = photo.face
        picture = _read(site, photo)
        top, left = max(round(y - 1.4 * width), 0), max(round(x - 1.2 * width), 0)
        part = picture[top : round(y + 1.4 * width), left : round(x + 1.2 * width)]
        scale = PHOTO_FACE_PX / width
        small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        path = site.photos / f"drill-{photo.name}"
        cv2.imwrite(str(path), small, [cv2.IMWRITE_JPEG_QUALITY, 92])
        cut.append(path)
    return cut


def _read(site: Site, photo: Photo) -> Picture:
    picture = cv2.imread(str(site.photos / photo.name))
    if picture is None:
        raise CheckFailedError(f"{site.photos / photo.name} cannot be read; run 'make clean'")
    return picture.astype(np.uint8)


def _walk(site: Site, photo: Photo, when: tuple[float, float]) -> Walk:
    return Walk(_read(site, photo), photo.face, *when)


class Player:
    """Plays the scenes, looks all the while, judges at the end."""

    def __init__(self, stage: Stage, show: Show) -> None:
        self._stage = stage
        self._show = show
        self.stopped = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def play(self, scenes: Sequence[Scene]) -> bool:
        """The script; True when everything came as expected."""
        late: list[Scene] = []
        for number, scene in enumerate(scenes, start=1):
            title = Title(
                f"{number}/{len(scenes)} {scene.title.en}",
                f"{number}/{len(scenes)} {scene.title.zh}",
            )
            self._show.say("scene", title)
            in_time = self._play(scene)
            if self.stopped:
                return False
            if not in_time:
                late.append(scene)
                self._show.say("failed", Title("   that did not happen in time", "   未按时发生"))
        self._let_pass(SETTLE_S)
        board = self._stage.look()
        judgement = judge(scenes, late, board.alerts, self._stage.waiting())
        words = verdict(judgement)
        self._show.say("done" if judgement.good else "failed", words, ok=judgement.good)
        return judgement.good

    def go_on(self) -> None:
        """Serve until somebody ends it."""
        while not self.stopped:
            self._let_pass(1.0)

    def _play(self, scene: Scene) -> bool:
        for wait_s in scene.act(self._stage):
            self._let_pass(wait_s)
        deadline = time.monotonic() + scene.deadline_s
        while not self.stopped and time.monotonic() < deadline:
            self._let_pass(TICK_S)
            if scene.until(self._stage):
                return True
        return False

    def _let_pass(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopped:
            self._show.board(self._stage.look())
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, TICK_S))

    def _stop(self, *_: object) -> None:
        self.stopped = True


def _perform(stage: Stage, show: Show, *, once: bool) -> bool:
    try:
        stage.start()
        broker = f"{stage.broker.name}, MQTT {stage.broker.protocol}, port {stage.broker.port}"
        show.say("started", Title(f"Broker: {broker}", f"消息代理：{broker}"), broker=broker)
        player = Player(stage, show)
        good = player.play(story())
        if not once and not player.stopped:
            command = f"{sys.argv[0]} sim press panic-1"
            hint = Title(
                f"Going on until Ctrl-C. In a second terminal: {command}",
                f"继续运行，按 Ctrl-C 结束。另开终端试试：{command}",
            )
            show.say("serving", hint)
            player.go_on()
            return True
        return good
    finally:
        show.close()
        stage.stop()


def _show(lang: Lang, *, as_json: bool) -> Show:
    if as_json:
        return JsonShow()
    console = Console()
    return LiveShow(console, lang) if console.is_terminal else PlainShow(lang)
