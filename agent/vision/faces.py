"""Faces in frames: found, followed, compared.

Here: the order of face work for each camera, and what is reported of it. The work itself is
``models``'; frames come from ``devices.camera``. Not here: photos (``photos``). Nothing of a face
that matches nobody is kept: templates of passers-by live in the matcher for two seconds at most.

With an empty gallery no face is looked for at all.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

import numpy as np

from agent.border import messages as border
from agent.border.protection import Convert, Converted, Protect
from agent.config.schema.vision import Faces
from agent.core.errors import PackError
from agent.core.seed import SEED_BYTES
from agent.vision.care import FaceCare
from agent.vision.direction import Direction, direction_of
from agent.vision.evidence import Pictures
from agent.vision.region import Region, region_of, whole
from devices.camera_frame import Frame
from models.detector import budget_for
from models.engine import FaceEngine
from models.enrol import twin_score
from models.gallery import Gallery
from models.livecheck import check_for, probe_of
from models.liveness import judge
from models.matcher import Band, Matcher, Verdict, policy_for
from models.purpose import Purpose
from models.quality import assess, live_gate
from models.strangers import Normal, Strangers
from models.tracker import Tracker
from models.transform import SiteTransform
from models.values import Box, FoundFace, Image, Probe, Vector

LOOK_FAR_NS = 1_000_000_000
LONGEST_GAP_NS = 60_000_000_000


@dataclass(slots=True)
class _Watched:
    """The faces of one camera."""

    tracker: Tracker
    matcher: Matcher
    look_far_ns: int = 0
    first: dict[int, Box] = field(default_factory=dict)
    care: FaceCare = field(default_factory=FaceCare)


@dataclass(slots=True)
class Counts:
    """Since the start: faces followed, leads sent, verdicts kept for a person's review."""

    tracks: int = 0
    leads: int = 0
    reviews: int = 0


class FaceWork:
    """Compares the faces of all cameras with one gallery."""

    def __init__(
        self,
        engine: FaceEngine,
        config: Faces,
        normal: Normal | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        """PackError when the configured threshold is laxer than the pack allows.

        *normal* gives unforeseeable normal numbers, for statistics of strangers; none without it.
        """
        self.engine = engine
        self.pictures = pictures or Pictures(None, int)
        self._strangers = Strangers(engine.dim, normal) if normal else None
        self._looked_ns = 0
        self.counts = Counts()
        self.on = True
        self.generation = 0
        self._policy = policy_for(engine.thresholds, config.frames, config.threshold)
        self._least_px = config.min_face_px
        self._gate = live_gate(config.min_face_px)
        self._check = check_for(engine.liveness, config.frames)
        self._transform: SiteTransform | None = None
        self._gallery = self._empty()
        self._cameras: dict[str, _Watched] = {}

    @property
    def entries(self) -> int:
        """How many entries are searched."""
        return len(self._gallery.entries)

    @property
    def compared(self) -> int:
        """How many tracks were compared with the gallery."""
        return sum(watched.matcher.compared for watched in self._cameras.values())

    def look(self, frame: Frame) -> tuple[list[border.Sighting], bool]:
        """What *frame* shows, and whether somebody is being followed in it."""
        if not self.on or not self.entries:
            return [], False
        watched = self._watched(frame.camera)
        now_ns = frame.monotonic_ns
        self._look_goes_on(now_ns)
        picture = frame.pixels
        found = self._find(watched, frame, picture)
        step = watched.tracker.update([face.box for face in found], now_ns)
        watched.matcher.end(step.ended)
        watched.care.end(step.ended)
        watched.first = {n: b for n, b in watched.first.items() if n not in step.ended}
        sightings: list[border.Sighting] = []
        for face, track in zip(found, step.tracks, strict=True):
            self.counts.tracks += track.seen == 1
            first = watched.first.setdefault(track.number, track.box)
            quality = assess(face, frame.width, frame.height)
            watched.care.saw(track.number, quality)
            if self._gate.refusal(quality, face.score):
                continue
            if watched.matcher.wants(track.number, quality, now_ns):
                probe = self._kept(probe_of(self.engine, self._check, picture, face, found))
                verdicts = watched.matcher.observe(track.number, probe, now_ns)
                probe.vector.fill(0)
                way = direction_of(first, track.box)
                told = [self._sighting(frame.camera, v, way) for v in verdicts]
                shown = (picture, face.box, self.engine.detect)
                sightings += [self.pictures.with_one(one, *shown) for one in told]
        return sightings, bool(step.tracks)

    def forget(self, now_ns: int) -> None:
        """Drop what is older than it may be; call it every second, frames or not."""
        for watched in self._cameras.values():
            watched.matcher.forget(now_ns)

    def camera_lost(self, camera: str) -> None:
        """Nobody can be followed across a gap."""
        watched = self._cameras.get(camera)
        if watched is not None:
            ended = watched.tracker.clear()
            watched.matcher.end(ended)
            watched.care.end(ended)
            watched.first.clear()

    @property
    def transform(self) -> str:
        """The name of the site's transform; none: templates are as the network made them."""
        return self._transform.id if self._transform else ""

    def protect(self, message: Protect, seed: bytes) -> None:
        """Transform every template from now on; what is known under another one is forgotten."""
        if len(seed) != SEED_BYTES:
            raise PackError(f"a seed of {len(seed)} bytes")
        self._transform = SiteTransform(message.transform, seed)
        self._use(self._empty())
        self._forget_everybody()

    def template(self, photo: bytes) -> Vector:
        """Of the one face in a photo, as it may be kept; PhotoError saying why not."""
        return self._kept(self.engine.template(photo)).vector

    def convert(self, message: Convert, beside: bytes) -> tuple[Converted, bytes]:
        """Templates under another seed, or under none, brought under the one of now."""
        if self._transform is None:
            raise PackError("there is no transform to bring templates under")
        start = SEED_BYTES if message.seeded else 0
        rows = np.frombuffer(beside, "<f4", offset=start)
        if rows.size % message.dim:
            raise PackError("the rows to convert are not whole")
        rows = rows.reshape(-1, message.dim).astype(np.float32)
        if message.seeded:
            rows = SiteTransform("", beside[:start]).undo(rows)
        told = Converted(message.request, message.dim, self._transform.id)
        return told, self._transform.apply(rows).astype("<f4").tobytes()

    def care(self, camera: str) -> FaceCare:
        """What the camera's faces were like."""
        watched = self._cameras.get(camera)
        return FaceCare() if watched is None else watched.care

    def twin_of(self, vector: Vector, entry_id: str, *, exercise: bool) -> str | None:
        """Another entry that is the same person, as far as one photo can tell: very alike."""
        at_least, purpose = twin_score(self.engine.thresholds), Purpose.WATCHLIST
        return self._gallery.resembles(vector, entry_id, at_least, purpose, exercise=exercise)

    def statistics(self) -> border.Strangers | None:
        """Statistics of strangers for the core, once they are of enough people."""
        batch = self._strangers.take() if self._strangers else None
        if batch is None:
            return None
        return border.Strangers(
            model_id=self.engine.model_id,
            tracks=batch.tracks,
            entries=batch.entries,
            seconds=batch.seconds,
            scores=list(batch.scores),
            **asdict(batch.moments),
        )

    def switch(self, *, on: bool) -> None:
        """Stop or resume; stopping forgets everything that is in memory of faces seen."""
        self.on = on
        if not on:
            self._forget_everybody()

    def search(self, gallery: Gallery | None, generation: int) -> None:
        """Search *gallery* from now on, order *generation* of the core's; None: nobody.

        With nobody to search for, everything in memory of faces seen is forgotten.
        """
        if gallery is not None:
            gallery.expect_purpose(Purpose.WATCHLIST)
        self.generation = generation
        self._use(self._empty() if gallery is None else gallery)
        if gallery is None:
            self._forget_everybody()

    def _kept(self, probe: Probe) -> Probe:
        """*probe* as it may be compared and kept: under the site's transform."""
        if self._transform is None:
            return probe
        kept = replace(probe, vector=self._transform.apply(probe.vector))
        probe.vector.fill(0)
        return kept

    def _look_goes_on(self, now_ns: int) -> None:
        """Time counts while frames come: a gap of a minute is no looking."""
        passed_ns = now_ns - self._looked_ns
        self._looked_ns = max(self._looked_ns, now_ns)
        if self._strangers and 0 < passed_ns < LONGEST_GAP_NS:
            self._strangers.passed(passed_ns / 1e9)

    def _forget_everybody(self) -> None:
        for camera in self._cameras:
            self.camera_lost(camera)
        if self._strangers:
            self._strangers.clear()

    def _find(self, watched: _Watched, frame: Frame, picture: Image) -> list[FoundFace]:
        """Faces where something moves or is followed; once a second anywhere."""
        if frame.monotonic_ns >= watched.look_far_ns:
            watched.look_far_ns = frame.monotonic_ns + LOOK_FAR_NS
            part: Region | None = whole(frame.width, frame.height)
        else:
            followed = [track.box for track in watched.tracker.tracks]
            part = region_of(frame.width, frame.height, frame.moving, followed)
        if part is None:
            return []
        budget = budget_for(*part.size, self._least_px)
        return [part.placed(face) for face in self.engine.detect(part.cut(picture), budget)]

    def _use(self, gallery: Gallery) -> None:
        self._gallery = gallery
        for watched in self._cameras.values():
            watched.matcher.replace_gallery(gallery)

    def _empty(self) -> Gallery:
        rows = np.zeros((0, self.engine.dim), np.float32)
        return Gallery(self.engine.model_id, self.engine.metric, (), rows, Purpose.WATCHLIST)

    def _watched(self, camera: str) -> _Watched:
        if camera not in self._cameras:
            self._cameras[camera] = _Watched(
                Tracker(), Matcher(self._policy, self._gallery, self._strangers)
            )
        return self._cameras[camera]

    def _sighting(self, camera: str, verdict: Verdict, way: Direction | None) -> border.Sighting:
        """A verdict as a message. A pack for review only gives leads in drills alone."""
        held = self.engine.review_only and not verdict.exercise
        lead = verdict.band is Band.LEAD and not held
        self.counts.leads += lead
        self.counts.reviews += not lead
        return border.Sighting(
            camera=camera,
            track=verdict.track,
            entry_id=verdict.entry_id,
            exercise=verdict.exercise,
            band="lead" if lead else "review",
            score=verdict.score,
            threshold=verdict.threshold,
            margin=verdict.margin,
            frames=verdict.frames,
            quality=min(max(verdict.quality, 0.0), 1.0),
            model_id=self.engine.model_id,
            monotonic_ns=verdict.at_ns,
            direction=way,
            liveness=self._liveness(verdict),
        )

    def _liveness(self, verdict: Verdict) -> border.Liveness | None:
        """Of the frames that were compared; a likely print is told, never dropped."""
        if self._check is None:
            return None
        return judge(verdict.glances, self._check.rule).outcome.value
