"""The core's side of vision put together: its socket, and what follows when vision comes and goes.

Here: the parts and who knows whom. Not here: the socket (``agent.pipeline.vision_port``), the
vision program (``agent.vision``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from agent.border.messages import Hello, Strangers
from agent.config.schema.root import Config
from agent.core.clock import Clock, stamp
from agent.core.errors import DeviceError, StoreError
from agent.core.memory import wipe_what_is_freed
from agent.pipeline.observer import Observer
from agent.pipeline.statistics import FILE, SiteStatistics
from agent.pipeline.vision_port import Offer, VisionPort
from agent.pipeline.vision_watch import VisionWatch
from agent.watchlist.service import Watchlist

log = logging.getLogger(__name__)


class VisionSide:
    """Runs on the loop. ``port`` is the socket."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        observer: Observer,
        watchlist: Watchlist,
        *,
        face_off: Callable[[], bool],
        models_changed: Callable[[], None],
        offer: Offer,
    ) -> None:
        """*face_off*: may no face be looked for? *models_changed* has the models told again.

        *offer* takes pictures of leads. What held one is wiped as it is freed.
        """
        if config.evidence is not None:
            wipe_what_is_freed()
        self._observer = observer
        self._watchlist = watchlist
        self._face_off = face_off
        self._models_changed = models_changed
        self._cameras = config.cameras
        watchlist.on_stranded = observer.stranded
        self.port = VisionPort(
            config.node.run_dir / "vision.sock",
            config.node.vision_group,
            VisionWatch(config.cameras, stamp(clock)),
            clock=clock,
            put=observer.hear,
            on_hello=self._up,
            on_beat=observer.vision_figures,
            on_gone=self._gone,
            on_strangers=self._strangers,
            offer=offer,
        )
        self._statistics = SiteStatistics(config.node.data_dir / FILE)

    def open(self) -> None:
        """Listen, where there are cameras."""
        if self._cameras:
            self._observer.vision_gone()
            try:
                self.port.open()
            except DeviceError as error:
                self._observer.issue("vision-socket", "vision", str(error))

    def close(self) -> None:
        """Hang up."""
        self.port.close()

    def _up(self, hello: Hello) -> None:
        self._observer.vision_up(hello)
        self._watchlist.vision_up(self.port, hello.model_id)
        if self._face_off():
            self.port.switch_faces(on=False)
        self._models_changed()

    def _strangers(self, told: Strangers) -> None:
        """Statistics are worth a line in the log, never an alarm."""
        try:
            self._statistics.add(told)
        except StoreError as error:
            log.warning("statistics of %d passages are lost: %s", told.tracks, error)

    def _gone(self) -> None:
        self._observer.vision_gone()
        self._watchlist.vision_lost()
