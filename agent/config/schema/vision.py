"""Sections ``cameras``, ``faces`` and ``models``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agent.config.schema.base import AbsolutePath, Fraction, Id, Label, Section

LIVENESS_FRAMES = 5


class RtspSource(Section):
    """An IP camera over RTSP on TCP. The password stands in a file, never in the URL.

    ``rtsps`` is not offered: the decoder would not check the camera's certificate. Put cameras into
    a network of their own.
    """

    type: Literal["rtsp"]
    url: Annotated[str, Field(pattern=r"^rtsp://[^\s]+$")]
    username: str | None = None
    password_file: AbsolutePath | None = None
    open_timeout_s: Annotated[float, Field(ge=1, le=60)] = 10.0
    read_timeout_s: Annotated[float, Field(ge=1, le=60)] = 10.0

    @model_validator(mode="after")
    def _no_secret_in_the_url(self) -> Self:
        authority = self.url.split("://", 1)[1].split("/", 1)[0]
        if "@" in authority:
            raise ValueError("put the login into 'username' and 'password_file', not into 'url'")
        if self.password_file is not None and self.username is None:
            raise ValueError("'password_file' needs 'username'")
        return self


class UsbSource(Section):
    """A USB (V4L2) camera."""

    type: Literal["usb"]
    device: Annotated[str, Field(pattern=r"^/dev/[A-Za-z0-9/_.-]+$")]
    width: Annotated[int, Field(ge=160, le=3840)] = 1280
    height: Annotated[int, Field(ge=120, le=2160)] = 720


class FileSource(Section):
    """A video file played at its own speed: for trials, drills and tests."""

    type: Literal["file"]
    path: AbsolutePath
    loop: bool = True


Source = Annotated[RtspSource | UsbSource | FileSource, Field(discriminator="type")]
Point = Annotated[list[Fraction], Field(min_length=2, max_length=2)]
Polygon = Annotated[list[Point], Field(min_length=3, max_length=64)]


class Camera(Section):
    """One camera. Coordinates are fractions of width and height, origin top left."""

    source: Source
    where: Id
    name: Label
    fps: Annotated[float, Field(gt=0, le=30, description="frames a second looked at")] = 5.0
    mask: Annotated[
        list[Polygon], Field(max_length=32, description="blacked out before anything else looks")
    ] = []
    motion_area: Annotated[
        Fraction, Field(description="share of the picture that must move to be looked at")
    ] = 0.002
    stall_s: Annotated[float, Field(ge=2, le=120)] = 10.0
    frozen_s: Annotated[float, Field(ge=5, le=600)] = 30.0
    dark_s: Annotated[float, Field(ge=5, le=600)] = 60.0
    dark_level: Annotated[float, Field(ge=0, le=255, description="mean luma below is dark")] = 12.0


class Faces(Section):
    """Comparing faces with the watchlist. Off until switched on."""

    enabled: bool = False
    pack: Id = "dlib"
    detector: Annotated[
        Id | None, Field(description="detector pack; none: the pack's own, else dlib's, else yunet")
    ] = None
    liveness: Annotated[Id | None, Field(description="liveness pack; none: no check")] = None
    threshold: Annotated[
        Fraction | None, Field(description="score of a lead; higher is stricter; none: the pack's")
    ] = None
    min_face_px: Annotated[int, Field(ge=30, le=400)] = 45
    frames: Annotated[int, Field(ge=3, le=5, description="best frames averaged for a lead")] = 3

    @model_validator(mode="after")
    def _enough_to_judge(self) -> Self:
        if self.liveness is not None and self.frames < LIVENESS_FRAMES:
            raise ValueError(
                f"'liveness' is judged over {LIVENESS_FRAMES} frames: set 'frames' to"
                f" {LIVENESS_FRAMES}, or every face stays undecided"
            )
        return self


class Models(Section):
    """Where model packs lie and what computes with them."""

    backend: Literal["onnx", "face_recognition"] = "onnx"
    dir: AbsolutePath | None = None
    threads: Annotated[int, Field(ge=1, le=4)] = 1
    mirror: Annotated[
        str | None,
        Field(
            pattern=r"^https://[A-Za-z0-9.:/_-]+$",
            description="stands for the host of every address that packs are fetched from",
        ),
    ] = None
    ca: Annotated[
        AbsolutePath | None, Field(description="PEM file of the mirror's own authority")
    ] = None
