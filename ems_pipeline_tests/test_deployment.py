"""The files for containers and bare machines say what the program understands, and open nothing they should not.

There is no container engine here: what is checked is every file, command, secret and port; the proxy runs for real.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import re
import shlex
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from ems_pipeline.cli import app
from ems_pipeline.warehouse.roles import token
from ems_pipeline_tests.cli.test_documents import resolved
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.servers import free_ports

DEPLOY = ROOT / "deploy"
ONE_SHOT = {"migrate", "login-pipeline", "login-rest", "login-web", "login-notices"}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def parsed(words: list[str], secret: Path) -> None:
    """Our command line takes these words; what is mounted in a container stands in for by a file that exists."""
    command, rest = resolved(typer.main.get_command(app), [str(secret) if "/run/secrets/" in w else w for w in words])
    with contextlib.suppress(typer.Exit):
        command.make_context("ems", rest)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by the script that the head of docker-compose.yml names."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed; deploy/make-secrets needs it")
    folder = tmp_path_factory.mktemp("machine") / "secrets"
    subprocess.run([DEPLOY / "make-secrets", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(compose["services"])


def test_only_the_proxy_is_published_and_only_on_this_machine(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"proxy": ["127.0.0.1:8080:8080"]}
    assert not [name for name, service in services.items() if "network_mode" in service or service.get("privileged")]


def test_who_reaches_whom(compose: dict[str, Any], services: dict[str, dict[str, Any]]) -> None:
    """The database and the code server, which runs code for whoever asks, are on no network that leads outside."""
    inner = {name for name, network in compose["networks"].items() if (network or {}).get("internal")}
    on = {name: set(service["networks"]) for name, service in services.items()}
    assert set().union(*on.values()) == set(compose["networks"])
    assert on["database"] == {"data"} <= inner
    assert on["rest"] <= inner
    assert on["ui"] <= inner
    assert on["web"] <= inner, "the HTTP API reaches no device"
    assert [name for name in on if "door" in on[name]] == ["proxy"]
    assert "data" not in on["proxy"], "the proxy never sees the database"
    assert {name for name in on if "outside" in on[name]} == {"code", "daemon", "notices"}, "prices, devices, people"


def test_every_command_is_one_the_program_takes(services: dict[str, dict[str, Any]], secrets: Path) -> None:
    ours = [service["command"] for service in services.values() if service["image"].startswith("ems-pipeline:")]
    assert len(ours) == len(services) - 3
    for words in ours:
        assert words[0] == "ems"
        parsed(words[1:], secrets / "ui_password")


def test_the_daemon_asks_the_code_server_where_it_listens(services: dict[str, dict[str, Any]]) -> None:
    port = services["code"]["command"][services["code"]["command"].index("--port") + 1]
    for name in ("daemon", "ui"):
        words = services[name]["command"]
        assert words[words.index("--code-server") + 1] == f"code:{port}"
    nginx = (DEPLOY / "nginx" / "ems.conf").read_text(encoding="utf-8")
    for upstream in re.findall(r"http://(\w+):\d+;", nginx):
        assert upstream in services


def test_what_starts_waits_for_what_it_needs(services: dict[str, dict[str, Any]]) -> None:
    conditions = {"service_healthy", "service_completed_successfully"}
    for name, service in services.items():
        needed = service.get("depends_on", {})
        assert set(needed) <= set(services), name
        if isinstance(needed, dict):
            assert {wanted["condition"] for wanted in needed.values()} <= conditions
            for other, wanted in needed.items():
                assert wanted["condition"] != "service_healthy" or "healthcheck" in services[other]
        assert (name in ONE_SHOT) == (service["restart"] == "no") == ("healthcheck" not in service)
        assert not re.search(r":latest$|:[^:]*[^0-9a-z.\-]", service["image"].rpartition("/")[2]), service["image"]
        assert ":" in service["image"], f"{name} names no version"


def test_every_secret_is_a_file_that_the_script_makes(
    compose: dict[str, Any], services: dict[str, dict[str, Any]], secrets: Path
) -> None:
    declared = {name: ROOT / entry["file"] for name, entry in compose["secrets"].items()}
    assert all(path.parent == ROOT / "secrets" and path.name == name for name, path in declared.items())
    used = {
        entry if isinstance(entry, str) else entry["source"]
        for s in services.values()
        for entry in s.get("secrets", [])
    }
    assert used == set(declared)
    assert used <= {path.name for path in secrets.iterdir()}
    for service in services.values():
        mounted = {entry for entry in service.get("secrets", []) if isinstance(entry, str)}
        named = set(re.findall(r"/run/secrets/(\w+)", json.dumps([service.get("environment"), service.get("command")])))
        assert named <= mounted, f"{named - mounted} is named and not mounted"
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or name.endswith("_FILE"), name
            assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), f"{name} holds a password"


def test_every_file_that_is_mounted_or_copied_is_there(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (ROOT / source).exists(), source
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for line in (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY "):
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in ignored, f"{source} does not reach the build: name it in .dockerignore"


def test_secrets_are_private_random_and_made_once(secrets: Path) -> None:
    before = {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()}
    subprocess.run([DEPLOY / "make-secrets", secrets], check=True, capture_output=True)
    assert {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()} == before
    readable = {path.name for path in secrets.iterdir() if path.stat().st_mode & 0o077}
    assert readable == {"ui_users"}, "hashes only; the proxy reads it as somebody else"
    random = [
        before[name]
        for name in (
            "owner_password",
            "pipeline_password",
            "rest_password",
            "rest_jwt_secret",
            "web_password",
            "notices_password",
            "web_secret",
        )
    ]
    assert len(set(random)) == 7
    assert all(re.fullmatch("[0-9a-f]{48}", text) for text in random)
    assert before["pgpass_pipeline"] == f"database:5432:*:ems_pipeline:{before['pipeline_password']}\n"
    assert before["rest_uri"] == f"postgres://ems_rest:{before['rest_password']}@database:5432/ems"
    assert before["ui_password"] not in before["ui_users"]


def test_a_token_is_what_a_rest_server_checks(secrets: Path) -> None:
    """RFC 7519: two parts of base64url JSON and the HMAC-SHA256 of both."""
    file = secrets / "rest_jwt_secret"
    printed = (
        CliRunner().invoke(app, ["db", "token", "writer", "anna", "--secret-file", str(file), "--days", "2"]).output
    )
    body, _, signature = printed.strip().rpartition(".")
    head, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in body.split("."))
    assert head == {"alg": "HS256", "typ": "JWT"}
    assert (claims["role"], claims["sub"]) == ("ems_writer", "anna")
    assert 0 < claims["exp"] - datetime.now(UTC).timestamp() <= 2 * 86400
    wanted = hmac.new(file.read_text().encode(), body.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "==") == wanted
    for role in ("service", "gateway"):
        result = CliRunner().invoke(app, ["db", "token", role, "anna", "--secret-file", str(file)])
        assert isinstance(result.exception, ValueError)
        assert "for an analyst or a writer" in str(result.exception)
    with pytest.raises(ValueError, match="32 at least"):
        token("short", "analyst", "anna", datetime.now(UTC))
    with pytest.raises(ValueError, match="name whom"):
        token("x" * 32, "analyst", " ", datetime.now(UTC))


class Backend(ThreadingHTTPServer):
    """Stands for a service behind the proxy: answers with what it was asked."""

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Echo)
        self.name = name


class _Echo(BaseHTTPRequestHandler):
    server: Backend

    def do_GET(self) -> None:
        said = {"who": self.server.name, "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def proxy(secrets: Path) -> Iterator[str]:
    """The real configuration in a real nginx, with backends of ours; its address."""
    if (nginx := shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")) is None:
        pytest.skip("nginx is not installed; its configuration was not tried")
    backends = {name: Backend(name) for name in ("web", "ui", "daemon", "rest")}
    threads = [threading.Thread(target=backend.serve_forever, args=(0.01,)) for backend in backends.values()]
    for thread in threads:
        thread.start()
    (port,) = free_ports(1)
    text = (DEPLOY / "nginx" / "ems.conf").read_text(encoding="utf-8")
    for name, backend in backends.items():
        text = re.sub(rf"http://{name}:\d+", f"http://127.0.0.1:{backend.server_port}", text)
    folder = secrets.parent
    users = folder / "ui_users"
    users.write_text((secrets / "ui_users").read_text())
    text = text.replace("/etc/nginx/ui_users", str(users)).replace("listen 8080", f"listen 127.0.0.1:{port}")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"daemon off; user root; pid {folder}/nginx.pid; error_log stderr; events {{}}\n"
    (folder / "nginx.conf").write_text(f"{whole}http {{ {temporary} access_log off;\n{text}}}")
    server = subprocess.Popen([nginx, "-c", str(folder / "nginx.conf")], stderr=(folder / "nginx.err").open("wb"))
    address = f"http://127.0.0.1:{port}"
    for _ in range(200):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/alive", timeout=5):
            break
        assert server.poll() is None, (folder / "nginx.err").read_text()
        time.sleep(0.02)
    yield address
    server.terminate()
    server.wait(10)
    for backend in backends.values():
        backend.shutdown()
        backend.server_close()


def ask(address: str, path: str, password: str | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """GraphQL is asked by POST, as the UI does, but for the websocket's opening."""
    method = "POST" if path.endswith("/graphql") and "Upgrade" not in headers else "GET"
    return ask_by(method, address, path, password, **headers)


def ask_by(method: str, address: str, path: str, password: str | None, **headers: str) -> tuple[int, dict[str, Any]]:
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    request = urllib.request.Request(address + path, headers=named, method=method)
    if password is not None:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"ems:{password}".encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, {}


def test_nobody_enters_dagster_without_the_password(proxy: str, secrets: Path) -> None:
    password = (secrets / "ui_password").read_text()
    for path in (
        "/dagster/",
        "/dagster/graphql",
        "/metrics",
        "/dagster/runs",
        "/dagster/x/../graphql",
        "/x/../dagster/",
    ):
        assert ask(proxy, path)[0] == 401
        assert ask(proxy, path, "guess")[0] == 401
    code, said = ask(proxy, "/dagster/runs?x=1", password)
    assert (code, said["who"], said["path"]) == (200, "ui", "/dagster/runs?x=1")
    assert "authorization" not in said["headers"], "the password ends at the door"
    assert ask(proxy, "/metrics", password)[1]["who"] == "daemon"


def test_the_http_api_checks_its_own_tokens_and_learns_who_asks(proxy: str) -> None:
    code, said = ask(proxy, "/api/v1/me?x=1", Authorization="Bearer abc", X_Forwarded_For="192.0.2.1")
    assert (code, said["who"], said["path"]) == (200, "web", "/api/v1/me?x=1")
    assert said["headers"]["authorization"] == "Bearer abc"
    assert said["headers"]["x-forwarded-for"] == "127.0.0.1", "what the client says of itself is not handed on"
    for path in ("/", "/health", "/ws", "/graphql"):
        assert ask(proxy, path)[1]["who"] == "web"


def test_the_rest_api_is_asked_with_its_own_token(proxy: str) -> None:
    code, said = ask(proxy, "/rest/vw_audit_summary?day=gt.2026-01-01", Authorization="Bearer abc")
    assert (code, said["who"], said["path"]) == (200, "rest", "/vw_audit_summary?day=gt.2026-01-01")
    assert said["headers"]["authorization"] == "Bearer abc"


def test_another_site_cannot_use_a_logged_in_browser(proxy: str, secrets: Path) -> None:
    password, host = (secrets / "ui_password").read_text(), proxy.removeprefix("http://")
    for origin in ("https://evil.example", "null", f"http://{host}.evil.example", "http://127.0.0.1:1"):
        assert ask(proxy, "/dagster/graphql", password, Origin=origin)[0] == 403, origin
    assert ask(proxy, "/dagster/graphql", password, Origin=proxy)[0] == 200
    assert ask(proxy, "/dagster/graphql", password, Origin=f"https://{host}")[0] == 200, "TLS ended before us"


@pytest.mark.parametrize("said", ["cross-site", "same-site", "anything", "Cross-Site"])
def test_a_link_or_picture_of_another_site_is_refused_although_it_names_no_origin(
    proxy: str, secrets: Path, said: str
) -> None:
    password = (secrets / "ui_password").read_text()
    for path in ("/", "/dagster/graphql", "/metrics", "/dagster/runs"):
        assert ask(proxy, path, password, Sec_Fetch_Site=said)[0] == 403, path
    for ours in ("same-origin", "none"):
        assert ask(proxy, "/dagster/runs", password, Sec_Fetch_Site=ours)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/dagster/graphql?query=mutation",
        "/dagster/graphql/",
        "/dagster/GraphQL",
        "/dagster//graphql",
        "/dagster/x/../graphql",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_graphql_is_asked_by_post_only(proxy: str, secrets: Path, path: str, method: str) -> None:
    password = (secrets / "ui_password").read_text()
    assert ask_by(method, proxy, path, password)[0] == 405
    assert ask_by("POST", proxy, path, password)[1]["who"] == "ui"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.0.2.1:8080"])
def test_a_name_that_is_not_ours_is_not_answered(proxy: str, secrets: Path, host: str) -> None:
    """A page's own name may lead to our address: to the browser it is then one site with us."""
    password = (secrets / "ui_password").read_text()
    for path in ("/", "/dagster/graphql", "/rest/", "/alive"):
        assert ask(proxy, path, password, Host=host, Origin=f"http://{host}")[0] == 421, path


def test_the_ui_gets_its_websocket(proxy: str, secrets: Path) -> None:
    said = ask(
        proxy, "/dagster/graphql", (secrets / "ui_password").read_text(), Upgrade="websocket", Connection="Upgrade"
    )[1]
    assert (said["headers"]["upgrade"], said["headers"]["connection"]) == ("websocket", "upgrade")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_commands_that_exist(unit: Path, secrets: Path) -> None:
    lines = re.findall(r"^Exec\w+=(.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    ours = [found[1] for line in lines if (found := re.search(r"/opt/ems/\.venv/bin/ems ([^']+)", line))]
    assert ours, f"{unit.name} runs nothing of ours"
    for line in ours:
        parsed(shlex.split(line.replace("$(date +%%Y-%%m-%%dT%%H%%M)", "today")), secrets / "ui_password")


def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed; the units were not checked")
    for path in sorted((DEPLOY / "systemd").rglob("*.*")):
        if path.is_file():
            target = tmp_path / path.relative_to(DEPLOY / "systemd")
            target.parent.mkdir(exist_ok=True)
            text = path.read_text(encoding="utf-8").replace("/opt/ems/.venv/bin/ems", "/bin/true")
            target.write_text(text, encoding="utf-8")
    units = [str(tmp_path / path.name) for path in [*UNITS, *(DEPLOY / "systemd").glob("*.timer")]]
    where = {"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"}
    checked = subprocess.run(
        ["systemd-analyze", "verify", *units], env=where, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stderr
    for unit in units:
        if unit.endswith(".service"):
            score = subprocess.run(
                ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
                env=where, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert score.returncode == 0, f"{unit} is exposed to more than 2.0 of 10:\n{score.stdout[-300:]}"
