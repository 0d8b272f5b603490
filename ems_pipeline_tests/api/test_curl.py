"""Every `curl` line of the documentation, run by curl against a real server: its status is what the page says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ems_pipeline.api.rights import ALL
from ems_pipeline.homeassistant.api import Api
from ems_pipeline.homeassistant.house import houses, looked
from ems_pipeline.warehouse import Warehouse
from ems_pipeline_tests.api.conftest import PASSWORD, House
from ems_pipeline_tests.api.loopback import on_loopback
from ems_pipeline_tests.conftest import ROOT

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed; the lines were NOT run"),
    pytest.mark.usefixtures("now_is_now"),
]
PAGES = ("docs/api.md", "docs/api/rest.md", "docs/operations.md", "docs/homeassistant.md")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAID = re.compile(r"#\s+(\d{3})\b[^#]*$")
"""The status that a line's remark begins with; 200 where it names none."""
PREFIXES = ("/api/v1", "/api", "")
FORECAST = """
    INSERT INTO ems.load_forecast (site_key, starts_at, power_w, model, known_at, recorded_at)
    SELECT 'home01', date_bin('15 min', now(), 'epoch') + interval '30 min', 400, 'profile', now(), now();
    INSERT INTO ems.pv_forecast (site_key, asset_key, starts_at, power_w, model, known_at, recorded_at)
    SELECT site_key, 'roof-south', starts_at, 900, 'geometry', known_at, recorded_at FROM ems.load_forecast
    WHERE recorded_at = now();
"""
"""The noon of `lived` is over for the functions of the database, which go by its own clock."""


NAMED = """/health /stats /services/status /overview /me/sites /sites/home01/prices/import /sites/home01/forecast/run
    /sites/home01/plan/run /tokens /tokens/generate /tokens/validate /tokens/save /tokens/revoke /batteries
    /batteries/home01.pack/charge /batteries/home01.pack/discharge /batteries/home01.pack/optimize
    /batteries/home01.pack/health /batteries/analytics/summary /forecast/consumption /forecast/generation
    /forecast/train /forecast/metrics"""
"""Paths by which operators and buildings know such a system from elsewhere."""


@dataclass(frozen=True)
class Line:
    """A command of a page, behind what its block sets."""

    text: str
    before: str = ""

    @property
    def status(self) -> int:
        found = SAID.search(self.text)
        return int(found[1]) if found else 200

    @property
    def path(self) -> str:
        found = re.search(r"(?:\$API|127\.0\.0\.1:\d+(?:/api/v1)?)(/[^\s\"'?]*)", self.text)
        assert found is not None, self.text
        return found[1]


def lines(page: str) -> list[Line]:
    """The lines of a page in their order."""
    found = []
    for block in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        whole = block.replace("\\\n", " ").splitlines()
        before = "\n".join(line for line in whole if re.match(r"[A-Z]+=", line))
        found += [Line(line, before) for line in whole if line.startswith("curl ")]
    return found


@dataclass
class Shell:
    """A shell of somebody who tries the lines: what the words in them stand for, and his folder."""

    house: House
    port: int
    folder: Path
    words: dict[str, str] = field(default_factory=dict)

    def run(self, line: Line, prefix: str = "/api/v1", **options: str) -> tuple[int, Any]:
        """Status and answer; ``options`` are curl's, beside those of the line."""
        self.house.seconds.at += 60.0  # no budget is what is tried here
        told = {"silent": "true", "max-time": "20", "write-out": '"%{http_code}"', "output": '"answer"', **options}
        (self.folder / ".curlrc").write_text("".join(f"{name} = {value}\n" for name, value in told.items()))
        script = re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{self.port}", f"{line.before}\n{line.text}")
        script = script.replace("/api/v1", prefix).replace('"..."', json.dumps(PASSWORD))
        environ = {"PATH": os.environ["PATH"], "CURL_HOME": str(self.folder), **self.words}
        done = subprocess.run(
            ["sh", "-euc", script],
            cwd=self.folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{line.text}: {done.stderr}"
        answer = (self.folder / "answer").read_text(encoding="utf-8")
        return int(done.stdout), json.loads(answer) if answer[:1] in ("{", "[") else answer

    def demand(self, line: Line, prefix: str = "/api/v1", **options: str) -> Any:
        status, answer = self.run(line, prefix, **options)
        assert status == line.status, f"{line.text} at {prefix or '/'}: {status} {answer}"
        return answer


@pytest.fixture(scope="module", autouse=True)
def forecast(lived: Warehouse) -> None:
    with lived.begin() as connection:
        connection.exec_driver_sql(FORECAST)


@pytest.fixture
def shell(house: House, tmp_path: Path) -> Iterator[Shell]:
    """With a token that may everything, a token to be taken back, and a request to be followed."""
    anna = house.login("anna")
    given = anna.post("/tokens/generate", json={"name": "curl", "list_of_resources": sorted(ALL)}).json()
    spare = anna.post("/tokens/generate", json={"name": "spare", "list_of_resources": ["plans"]}).json()
    filed = anna.post("/sites/home01/forecast/run").json()
    until = f"{house.clock.now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    words = {"TOKEN": given["token"], "WRITER": given["token"], "ID": spare["token_id"], "REQUEST": filed["request_id"]}
    with on_loopback(house.client) as port:
        yield Shell(house, port, tmp_path, words | {"UNTIL": until})


def test_no_page_has_a_line_that_is_not_run_here() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("[!.]*/**/*.md")]
    written = {
        str(path.relative_to(ROOT)): count
        for path in pages
        if (count := len(re.findall(r"^[\s$>]*curl ", path.read_text(encoding="utf-8"), re.MULTILINE)))
    }
    assert written == {page: len(lines(page)) for page in PAGES}


def test_the_list_has_a_line_for_every_path_that_is_known_from_elsewhere() -> None:
    assert {*NAMED.split()} <= {line.path for line in lines("docs/api.md")[3:]}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_somebody_logs_in_and_gives_a_token_as_the_page_says(shell: Shell, prefix: str) -> None:
    login, generate, me = lines("docs/api.md")[:3]
    shell.words = {}
    shell.words["WORD"] = shell.demand(login, prefix)["csrf_token"]
    shell.words["TOKEN"] = shell.demand(generate, prefix)["token"]
    assert shell.demand(me, prefix)["resources"] == ["overrides:write", "plans:read"]


def test_a_token_made_as_the_page_says_is_what_home_assistant_is_told_by(shell: Shell) -> None:
    login, generate = lines("docs/homeassistant.md")
    shell.words = {}
    shell.words["WORD"] = shell.demand(login)["csrf_token"]
    api = Api(f"http://127.0.0.1:{shell.port}", shell.demand(generate)["token"])
    (house,) = houses(api)
    seen = looked(house, api, shell.house.clock.now())
    assert (seen.key, seen.money is not None, seen.now is not None) == ("home01", True, True)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_line_of_the_list_is_answered_as_it_says(shell: Shell, prefix: str) -> None:
    for line in lines("docs/api.md")[3:]:
        answer = shell.demand(line, prefix)
        assert line.status != 202 or answer.keys() & {"request_id", "command_id", "goal_id"}, answer


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain", ""])
def test_a_body_is_json_whatever_its_type_says(shell: Shell, prefix: str, kind: str) -> None:
    """A line without a type is sent as a form by curl; "Content-Type:" sends none at all."""
    for line in lines("docs/api.md")[3:]:
        if " -d " in line.text:
            shell.demand(
                Line(line.text.replace('-H "$JSON"', ""), line.before), prefix, header=f'"Content-Type: {kind}"'
            )


@pytest.mark.parametrize("page", PAGES[1:3])
def test_every_line_that_asks_in_the_manner_of_postgrest_is_answered(shell: Shell, page: str) -> None:
    for line in lines(page):
        shell.demand(line)


def test_what_a_line_asks_for_is_filed(house: House, shell: Shell) -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.request, ems.control_override, ems.setpoint, ems.setpoint_event")
    for line in lines("docs/api.md")[3:]:
        if line.status == 202:
            shell.demand(line)
    kinds = [kind for (kind,) in house.rows("SELECT kind FROM ems.request ORDER BY kind")]
    assert kinds == [
        "devices-discover", "forecast-run", "forecast-train", "goal-price", "plan-daily", "plan-rolling",
        "prices-import",
    ]  # fmt: skip
    wishes = house.rows("SELECT mode, limits FROM ems.control_override ORDER BY mode")
    assert [tuple(wish) for wish in wishes] == [
        ("charge", {"charge_limit_w": 3000.0, "target_soc_pct": 80.0}),
        ("discharge", {"discharge_limit_w": 2500.0}),
    ]


def test_a_line_that_is_refused_fails(shell: Shell) -> None:
    """The check above can fail: without a token the same line is 401, and nobody takes that for an answer."""
    stats = next(line for line in lines("docs/api.md") if line.path == "/stats")
    status, answer = shell.run(Line(stats.text.replace('-H "$AS" ', ""), stats.before))
    assert (status, answer["code"]) == (401, "unauthenticated")
