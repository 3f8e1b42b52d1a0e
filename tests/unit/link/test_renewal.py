"""When a certificate is renewed, what happens when that fails, and the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.config.schema.site import Link as LinkConfig
from agent.core.audit import AuditKind
from agent.core.backoff import Backoff, BackoffPolicy
from agent.core.errors import CheckFailedError, UnreachableError
from agent.identity.renewer import Held
from agent.link.renewal import LOOK_S, SETTLE_S, Renewal, make_worker, renewal_for
from agent.link.session import LinkFault
from tests.support.audit import Recorder
from tests.support.samples import ADDRESS
from tests.support.warp import warped

START = datetime(2026, 11, 21, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Scene:
    """A link, a worker and a clock that follow the loop's time."""

    def __init__(self, renew_in: timedelta = 2 * HOUR, life: timedelta = 3 * HOUR) -> None:
        self.did: list[str] = []
        self.told: list[tuple[str, str]] = []
        self.certificate = Held("1", START + renew_in, START + life)
        self.trouble: list[Exception] = []
        self.confirmable = True
        self.fault: LinkFault | None = None
        self.connections = 1
        self.refuses = False
        self.audit = Recorder()

    # -- the link --

    @property
    def up(self) -> bool:
        """True while nothing is wrong."""
        return self.fault is None

    def reconnect(self) -> None:
        """The broker takes it, or not."""
        self.did.append("reconnect")
        if self.refuses:
            self.fault = LinkFault.TLS
        else:
            self.fault = None
            self.connections += 1

    # -- the worker --

    def held(self) -> Held:
        """The present one."""
        return self.certificate

    def confirm(self) -> bool:
        """The station hears of it, or not."""
        self.did.append("confirm")
        return self.confirmable

    def renew(self) -> Held:
        """Three more hours."""
        if self.trouble:
            raise self.trouble.pop(0)
        self.did.append("renew")
        self.certificate = Held("2", self.now() + 2 * HOUR, self.now() + 3 * HOUR)
        return self.certificate

    def go_back(self) -> Held:
        """The first one."""
        self.did.append("back")
        self.refuses = False
        self.certificate = Held("1", self.now() - HOUR, self.now() + HOUR)
        return self.certificate

    # -- the rest --

    def now(self) -> datetime:
        """Wall clock, with the loop's time."""
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    def run(self, hours: float) -> None:
        """Let that time pass."""

        async def story() -> None:
            backoff = Backoff(BackoffPolicy(first_s=2.0, max_s=600.0), lambda: 0.5)
            renewal = Renewal(
                lambda: self, self, self.tell, backoff, self.now, beside=inline, audit=self.audit
            )
            task = asyncio.create_task(renewal.run())
            await asyncio.sleep(hours * 3600)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()

        warped(story())

    def tell(self, until: str, trouble: str) -> None:
        """How it stands."""
        if not self.told or self.told[-1] != (until, trouble):
            self.told.append((until, trouble))


async def inline(work: Callable[[], Any]) -> Any:
    return work()


def test_nothing_is_renewed_before_two_thirds_are_over() -> None:
    scene = Scene()
    scene.run(2 - 2 * LOOK_S / 3600)
    assert scene.did == ["confirm"]
    assert scene.told == [("2026-11-21T11:00:00Z", "")]


def test_a_renewed_certificate_is_used_at_once() -> None:
    scene = Scene()
    scene.run(2.1)
    assert scene.did == ["confirm", "renew", "reconnect"]
    assert scene.told[-1] == ("2026-11-21T13:00:00Z", "")


def test_it_goes_on_for_ever() -> None:
    scene = Scene()
    scene.run(20)
    assert scene.did.count("renew") == 9
    assert "back" not in scene.did


def test_a_silent_station_is_asked_again_with_growing_waits_and_it_shows() -> None:
    scene = Scene()
    scene.trouble = [UnreachableError("station: no answer")] * 4
    scene.run(2.02)
    assert scene.did == ["confirm", "renew", "reconnect"]
    assert ("2026-11-21T11:00:00Z", "station: no answer") in scene.told
    assert scene.told[-1][1] == ""


def test_a_certificate_that_the_broker_refuses_is_taken_back() -> None:
    scene = Scene()
    scene.refuses = True
    scene.run(2 + SETTLE_S / 3600 + 0.0003)
    assert scene.did == ["confirm", "renew", "reconnect", "back", "reconnect"]
    assert "refuses the renewed certificate" in scene.told[-1][1]


def test_which_certificate_is_in_use_is_written_down() -> None:
    scene = Scene()
    scene.run(1)
    (first,) = scene.audit.notes
    in_use = {"did": "in-use", "serial": "1", "not_after": "2026-11-21T11:00:00Z"}
    assert first == (AuditKind.IDENTITY, "gate", in_use)
    scene = Scene()
    scene.refuses = True
    scene.run(2 + SETTLE_S / 3600 + 0.0003)
    told = [(what["did"], what["serial"], what.get("before")) for _, _, what in scene.audit.notes]
    assert told == [("in-use", "1", None), ("renewed", "2", "1"), ("went-back", "1", "2")]


def test_one_that_was_joined_anew_meanwhile_is_written_down() -> None:
    scene = Scene(renew_in=9 * HOUR)

    def held() -> Held:
        joined = scene.now() >= START + HOUR
        return Held("9", START + 9 * HOUR, START + 12 * HOUR) if joined else scene.certificate

    scene.held = held  # type: ignore[method-assign]
    scene.run(2)
    assert [what["serial"] for _, _, what in scene.audit.notes] == ["1", "9"]


def test_a_broker_that_is_only_away_is_no_reason_to_go_back() -> None:
    scene = Scene()
    scene.refuses = True
    scene.reconnect = lambda: setattr(scene, "fault", LinkFault.UNREACHABLE)  # type: ignore[method-assign]
    scene.run(2.1)
    assert "back" not in scene.did
    assert scene.certificate.serial == "2"


def test_what_the_station_does_not_know_yet_is_confirmed_when_it_answers() -> None:
    scene = Scene()
    scene.confirmable = False
    scene.run(3 * LOOK_S / 3600)
    assert scene.did == ["confirm"] * 3
    scene.confirmable = True
    scene.did.clear()
    scene.run(5 * LOOK_S / 3600)
    assert scene.did == ["confirm"]


@pytest.mark.parametrize("later", [timedelta(0), HOUR])
def test_a_certificate_that_is_due_at_start_is_renewed_at_start(later: timedelta) -> None:
    scene = Scene(renew_in=-later)
    scene.run(0.01)
    assert scene.did == ["confirm", "renew", "reconnect"]


def test_a_gate_without_tls_has_nothing_to_renew() -> None:
    config = LinkConfig.model_validate({"brokers": [{"host": "127.0.0.1", "port": 1}]})
    with pytest.raises(CheckFailedError):
        make_worker(config, ADDRESS)
    assert renewal_for(config, ADDRESS, Scene(), lambda _u, _t: None)
