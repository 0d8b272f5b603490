"""The long-lived processes of an installation as commands: code server, daemon, UI, HTTP API, and who tells whom.

One code server serves daemon and web UI. Left to itself the daemon would start one of its own and replace it every
minute, importing everything each time; and "reload" in the UI would reach the UI only.
"""

import json
import sys
from pathlib import Path

from ems_pipeline.orchestration.installation.supervisor import Child
from ems_pipeline.orchestration.machinery import logs
from ems_pipeline.warehouse import local

DEFINITIONS = "ems_pipeline.definitions"
NOTICES, CHARGERS, HOME_ASSISTANT, CONTROLLERS = "notices", "chargers", "homeassistant", "controllers"
"""Names of the children that tell people by their own channels, that chargers call, that tell Home Assistant, that poll
the controllers of gensets."""
Where = Path | tuple[str, int]
"""Where a code server listens: a Unix socket, or host and port for a process of another container."""


def code_socket(folder: Path) -> Path:
    """Where the code server of an installation listens; a socket left by a killed one is removed."""
    socket = local.socket_folder(folder) / "code.sock"
    socket.unlink(missing_ok=True)
    return socket


def workspace(folder: Path, where: Where) -> Path:
    """A workspace file in ``folder`` that names the code server; its path."""
    path = folder / "workspace.yaml"
    address = {"socket": str(where)} if isinstance(where, Path) else dict(zip(("host", "port"), where, strict=True))
    server = address | {"location_name": "ems"}
    path.write_text(json.dumps({"load_from": [{"grpc_server": server}]}), encoding="utf-8")  # JSON is YAML
    return path


def code_server(where: Where, module: str = DEFINITIONS, working_directory: Path = Path()) -> Child:
    """Serves the definitions; told to reload, it serves on while the new code loads; when its code dies, it ends."""
    listening = ["-s", str(where)] if isinstance(where, Path) else ["-h", where[0], "-p", str(where[1])]
    what = ["-m", module, "-d", str(working_directory.resolve()), "--location-name", "ems"]
    watched = [sys.executable, "-m", "ems_pipeline.orchestration.machinery.code_server", "code-server", "start"]
    return Child("code server", [*watched, *what, *listening, *_log_format()], oom_score=200)


def daemon(workspace: Path, socket: Path | None = None) -> Child:
    """Evaluates sensors and schedules, launches runs; begins when its code server listens."""
    command = [_script("dagster-daemon"), "run", "-w", str(workspace), *_log_format()]
    return Child("daemon", command, waits_for=socket, oom_score=200)


def webserver(workspace: Path, host: str, port: int, socket: Path | None = None, path: str = "") -> Child:
    """The web UI; for its own pages only. ``path``: where a proxy shows it, such as ``/dagster``."""
    program = [sys.executable, "-m", "ems_pipeline.orchestration.machinery.web_server"]
    command = [*program, "-w", str(workspace), "-h", host, "-p", str(port), *_log_format()]
    command += ["--path-prefix", path] if path else []
    return Child("web UI", command, waits_for=socket, oom_score=600)


def web(port: int) -> Child:
    """The HTTP API, as somebody would start it; the first to go when memory runs out."""
    return Child("web", [_script("ems"), "web", "--port", str(port)], oom_score=700)


def notices() -> Child:
    """Tells people by their own channels; what it has not told is told after its next start."""
    return Child(NOTICES, [_script("ems"), "notify", "run"], oom_score=700)


def home_assistant() -> Child:
    """Tells Home Assistant, and hears what it wants; what was said to it while it was away is not done."""
    return Child(HOME_ASSISTANT, [_script("ems"), "homeassistant", "run"], oom_score=700)


def chargers() -> Child:
    """Whom chargers call; through it they are let go when all else has ended."""
    return Child(CHARGERS, [sys.executable, "-m", "ems_pipeline.devices.ocpp.serve"], oom_score=100, outlasts=True)


def controllers() -> Child:
    """Polls the controllers of gensets; sequences run there, and sets are let go through it."""
    return Child(CONTROLLERS, [sys.executable, "-m", "ems_pipeline.scada.serve"], oom_score=100, outlasts=True)


def _log_format() -> list[str]:
    return ["--log-format", "json"] if logs.wants_json() else []


def _script(name: str) -> str:
    return str(Path(sys.executable).parent / name)
