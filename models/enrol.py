"""Makes one template of one photo, or says why not. Strict: a bad template poisons a list.

A library of blurred or tiny faces matches strangers, so a photo must show exactly one face, large
enough, turned to the camera, sharp and uncovered. The photo is not kept. Not here: whether the
person stands under another id already (``Gallery.resembles``), which needs the gallery.
"""

from __future__ import annotations

from collections.abc import Callable

from models.covering import MOST_BLUR, blur_of
from models.manifest import MOST_FRAMES, Thresholds
from models.photo import PhotoFault, decode, refused
from models.quality import ENROLMENT, assess
from models.values import FoundFace, Image, Probe

Detect = Callable[[Image, int], list[FoundFace]]
Embed = Callable[[Image, FoundFace], Probe]
Covered = Callable[[Image, FoundFace], str]

# Longest sides to look at: close-ups are found at the small one, faces in a group at the large.
_BUDGETS = (480, 320, 192)
# Two photos are one person's from the strictest threshold on, and so many margins more.
_TWIN_MARGINS = 2
# A second face counts when it is at least this share of the first's width: smaller ones stand far
# behind and cannot be meant.
_RIVAL = 0.3

_WHY = {
    "too-small": "the face is {size:.0f} px wide or high, at least {least:.0f} are needed",
    "turned": "the face is turned away or cut off; use a frontal photo",
    "unclear": "the face is hardly found as one: badly lit, covered or blurred",
}


def template_of(photo: bytes, detect: Detect, embed: Embed, covered: Covered) -> Probe:
    """The template of the one face in *photo* (JPEG or PNG); *covered* names a part that is.

    :class:`PhotoError`, starting with a ``PhotoFault``, when it is refused.
    """
    picture = decode(photo)
    face = _only_face(faces_of(picture, detect))
    height, width = picture.shape[:2]
    quality = assess(face, width, height)
    why = ENROLMENT.refusal(quality, face.score)
    if why:
        detail = _WHY[why].format(size=quality.size_px, least=ENROLMENT.size_px)
        raise refused(PhotoFault(why), detail)
    if blur_of(picture, face) > MOST_BLUR:
        raise refused(PhotoFault.BLURRED, "the face has no detail; use a sharper or larger photo")
    part = covered(picture, face)
    if part:
        raise refused(PhotoFault.COVERED, f"{part} cannot be seen; use a photo with the face bare")
    return embed(picture, face)


def twin_score(thresholds: Thresholds) -> float:
    """From which score two templates are one person's, as far as one photo can tell."""
    return thresholds.lead(MOST_FRAMES) + _TWIN_MARGINS * thresholds.margin


def faces_of(picture: Image, detect: Detect) -> list[FoundFace]:
    """Faces found at any of several scales, each once, largest first."""
    found: list[FoundFace] = []
    for budget in _BUDGETS:
        for face in detect(picture, budget):
            same = [i for i, other in enumerate(found) if _same(other, face)]
            if not same:
                found.append(face)
            elif face.score > max(found[i].score for i in same):
                found = [other for i, other in enumerate(found) if i not in same] + [face]
    return sorted(found, key=lambda face: -face.box.short_side)


def _same(one: FoundFace, other: FoundFace) -> bool:
    """Two boxes of one face: they overlap, or one's middle lies inside the other."""
    if one.box.overlap(other.box) > 0.2:
        return True
    small, large = sorted((one.box, other.box), key=lambda box: box.width * box.height)
    x, y = small.centre
    return large.left < x < large.right and large.top < y < large.bottom


def _only_face(faces: list[FoundFace]) -> FoundFace:
    if not faces:
        raise refused(PhotoFault.NO_FACE, "no face was found; use a frontal photo in even light")
    first, *others = faces
    rivals = [o for o in others if o.box.short_side >= _RIVAL * first.box.short_side]
    if rivals:
        raise refused(
            PhotoFault.TWO_FACES,
            f"{len(rivals) + 1} faces; crop the photo to the person who is meant",
        )
    return first
