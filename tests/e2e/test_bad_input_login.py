"""A broker that refuses the login: everything at the gate works, a person is told what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.program import gatehouse, run_to_end
from tests.tools.recorder import Login
from tests.tools.site import Site

LOGIN = Login("gate-1", "right as rain")
BACK_S = 30.0


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_the_gate_says_so_works_on_and_is_back_with_the_right_password(
    tmp_path: Path, protocol: str
) -> None:
    password = tmp_path / "password"
    password.write_text("wrong", encoding="utf-8")
    link = {"username": LOGIN.user, "password_file": str(password), "protocol": protocol}
    with Site(tmp_path / "site", login=LOGIN, link=link) as site:
        site.start("station")
        site.agent.start()
        site.until(site.live, 10)
        site.until(lambda: site.status()["issues"], 10)
        (issue,) = site.status()["issues"]
        assert (issue["code"], issue["component"]) == ("login-refused", "link")
        assert "put link.username and password_file right" in issue["text"]
        assert LOGIN.password not in issue["text"]
        said = run_to_end(gatehouse("status", "--config", site.config_path))
        assert "the broker refuses the login" in " ".join(said.stdout.split())
        site.push("panic-1")
        site.until(lambda: site.status()["outputs"]["siren-1"], 5)
        assert site.status()["outbox"]["pending"] == 1
        site.ask("reset", name="panic-1")
        site.until(lambda: not site.status()["outputs"]["siren-1"], 5)
        assert site.status()["link"] is False
        password.write_text(f"{LOGIN.password}\n", encoding="utf-8")
        site.until(site.linked, BACK_S)
        alert = site.stored(lambda found: found.device == "panic-1")
        assert alert.replayed
        site.delivered()
        assert [found.kind for found in site.alerts()] == ["panic"]
        site.issue_gone("login-refused")
        site.panic_works()
