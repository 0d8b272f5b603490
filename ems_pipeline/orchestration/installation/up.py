"""The installation on one machine: database, daemon, web UI and, for a demo site, the virtual plant."""

import logging
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl

from ems_pipeline import notify, settings
from ems_pipeline.devices.installed import address
from ems_pipeline.devices.points.map_file import readable_maps
from ems_pipeline.errors import EmsError
from ems_pipeline.notify import ways
from ems_pipeline.orchestration import first_day
from ems_pipeline.orchestration.installation import hand_back, history, metrics, plant_arm, services
from ems_pipeline.orchestration.installation.hand_back import let_go
from ems_pipeline.orchestration.installation.plant_arm import PlantArm
from ems_pipeline.orchestration.installation.supervisor import Child, Guard, Supervisor, end_all
from ems_pipeline.orchestration.installation.watch import Watch, wake_sensors
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.orchestration.machinery.instance import open_instance, prepare
from ems_pipeline.sites import Site
from ems_pipeline.sites.protocol import PROTOCOLS, calls_in
from ems_pipeline.sites.wiring import LOOPBACK
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.registration import follow_files
from ems_pipeline.steps.site_folder import read_sites
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import embedded, home_lock, local, supervision
from ems_pipeline.warehouse.inventory import measured_history
from ems_pipeline.warehouse.local import home
from ems_pipeline.warehouse.supervision import AlreadySupervised, Supervision

UI_HOST = "127.0.0.1"
Say = Callable[[str], None]
logger = logging.getLogger(__name__)
LONGEST_LOG = 50_000_000
"""Bytes of the services' log; what is older goes to one file beside it, and is gone with the next turn."""


def serve(
    port: int | None,
    with_plant: bool | None,
    history_days: int,
    say: Say,
    scraped_at: tuple[str, int] | None = None,
    log: Path | None = None,
    code_server: tuple[str, int] | None = None,
    web_port: int | None = None,
    with_notices: bool = True,
) -> None:
    """Run until stopped; then release every device that was steered.

    Args:
        port: of the web UI; None leaves it out (another process serves it).
        with_plant: None: for sites whose gateways are all this machine.
        scraped_at: host and port at which Prometheus is answered; None: nowhere.
        log: file for what the services say; None: this process's own stderr, which somebody else keeps.
        code_server: host and port of one that runs already; None: one of its own.
        web_port: of the HTTP API; None leaves it out.
        with_notices: tell persons by their own channels, where a way is set up.

    Raises:
        HomeTaken, AlreadySupervised: another one runs in this home, or on this database.
        WrongEnvironment, NoSender: a variable says what it cannot say; nothing was begun.
    """
    settings.demand()
    with_notices = with_notices and bool(ways.to_persons())
    with_home_assistant = settings.MQTT_HOST.is_set()
    if with_home_assistant and web_port is not None and not settings.MQTT_API.is_set():
        settings.MQTT_API.hand_over(f"http://{UI_HOST}:{web_port}")
    with ExitStack() as stack:
        lock = stack.enter_context(home_lock.held("ems up", say))
        warehouse = prepare()
        platform = Platform(warehouse, SystemClock(), read_sites)
        claim = stack.enter_context(supervision.sole_supervisor(warehouse, home(), platform.clock.now()))
        if port is not None:
            say(_where_the_ui_will_be(port))
        if web_port is not None:
            say(_where_the_web_will_be(web_port))
        for fault in follow_files(platform).faults:
            say(f"left out: {fault}")
        plant_arm.end_all(platform)
        arms = [
            stack.enter_context(_plant(site, platform, history_days, say))
            for site in platform.sites()
            if (is_here(site) if with_plant is None else with_plant)
        ]
        first_day.tell(warehouse)  # of the sites registered by now, with the past that a plant brought along
        if scraped_at is not None:
            stack.enter_context(_scraped(platform, scraped_at, say))
        sink = sys.stderr.fileno() if log is None else stack.enter_context(log.open("ab")).fileno()
        say(f"log of the services: {log or 'stderr'}")
        guard = Guard([sys.executable, "-m", hand_back.__name__], lock, sink, say)
        calls = any(map(is_called, platform.sites()))
        children = stack.enter_context(
            _children(
                port,
                code_server,
                web_port,
                with_notices,
                with_chargers=calls,
                with_home_assistant=with_home_assistant,
                with_controllers=any(map(has_controllers, platform.sites())),
            )
        )
        is_ours = _supervise(platform, claim, children, guard, sink, say, log, arms)
        if is_ours:
            say("stopping: devices are handed back to themselves")
            for line in let_go(platform, "ems up stopped"):
                say(line)
        guard.dismiss()


def _supervise(
    platform: Platform,
    claim: Supervision,
    children: list[Child],
    guard: Guard,
    sink: int,
    say: Say,
    log: Path | None,
    arms: list[PlantArm],
) -> bool:
    """Keep everything alive until stopped; whether the devices are still ours to let go."""

    def wake() -> None:
        """Anew, because a daemon that measures its pauses by the clock may be in one of an hour."""
        supervisor.restart("daemon")
        with open_instance() as instance:
            wake_sensors(instance)

    names = {child.name for child in children}
    watch = Watch(
        platform, notify.beside_the_log(), say, wake,
        tells_persons=services.NOTICES in names, is_called=services.CHARGERS in names,
        tells_home_assistant=services.HOME_ASSISTANT in names, polls_controllers=services.CONTROLLERS in names,
    )  # fmt: skip
    watch.herald.over(hand_back.KIND, "ems up runs again")
    is_ours = True

    def look_after() -> None:
        nonlocal is_ours
        _keep_database_up(say)
        try:
            watch.look()
            if watch.has_looked:
                claim.keep()
        except AlreadySupervised as taken:
            say(f"stopping: {taken}")
            is_ours = False
            supervisor.stop()
        except Exception:  # whatever is wrong with what it looks at: the services are kept alive
            logger.exception("looking after clock, disk and database failed")
        if log is not None:
            keep_short(log)
        for arm in arms:
            arm.prolong()

    supervisor = Supervisor(children, os.environ, sink, say, look_after, guard)
    supervisor.run()
    return is_ours


def serve_ui(host: str, port: int, code_server: tuple[str, int] | None = None, path: str = "") -> None:
    """Only the web UI, in place of this process; ``code_server`` as for `serve`, ``path`` as for `webserver`."""
    prepare()
    folder = local.private(home() / "dagster" / "ui")  # not the daemon's, which may ask another code server
    of = Path("workspace.yaml") if code_server is None else services.workspace(folder, code_server)
    _become(services.webserver(of, host, port, path=path))


def serve_code(host: str, port: int) -> None:
    """Only the code server, in place of this process; WrongEnvironment: as for `serve`."""
    settings.demand()
    prepare()
    _become(services.code_server((host, port)))


def _become(child: Child) -> None:
    os.execve(child.command[0], list(child.command), os.environ)


def _where_the_ui_will_be(port: int) -> str:
    """Its address; or that another program has the port, for the page there is that one's."""
    if fault := _taken(port):
        return (
            f"starting; no UI: {UI_HOST}:{port} cannot be listened on ({fault}). It comes when the port is free; or "
            "stop this one and name another --port"
        )
    return f"starting; the UI will be at http://{UI_HOST}:{port}"


def _where_the_web_will_be(port: int) -> str:
    """The same for the HTTP API."""
    if fault := _taken(port):
        return (
            f"no HTTP API: {UI_HOST}:{port} cannot be listened on ({fault}). It comes when the port is free; or stop "
            "this one and name another --web-port"
        )
    return f"the HTTP API will be at http://{UI_HOST}:{port}; `ems user add NAME ROLE` lets somebody in"


def _taken(port: int) -> str:
    """Why a port cannot be listened on; empty when it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the UI does: what was just closed is free
        try:
            probe.bind((UI_HOST, port))
        except OSError as error:
            return str(error.strerror)
    return ""


def is_here(site: Site) -> bool:
    """Whether all gateways that are asked are this machine: nothing but the virtual plant answers there. Where devices
    call in, this machine listens whoever they are."""
    asked = [gateway for gateway in site.gateways if not calls_in(gateway.transport)]
    return bool(asked) and all(g.host in LOOPBACK or address.is_here(g.host) for g in asked)


def has_controllers(site: Site) -> bool:
    """Whether a site has devices that are polled by a process of their own; one whose map is wrong counts as none."""
    return any(PROTOCOLS[m.protocol].is_polled for m in readable_maps() if m.map in {d.map for d in site.devices})


def is_called(site: Site) -> bool:
    """Whether devices of a site call in."""
    return any(calls_in(gateway.transport) for gateway in site.gateways)


@contextmanager
def _scraped(platform: Platform, at: tuple[str, int], say: Say) -> Iterator[None]:
    """Prometheus is answered; where it cannot be, the house is steered all the same."""
    with ExitStack() as stack:
        try:
            host, port = stack.enter_context(
                metrics.serving(platform, stack.enter_context(open_instance()), at[1], at[0])
            )
            say(f"metrics: http://{host}:{port}/metrics")
        except OSError as error:
            say(f"no metrics: {at[0]}:{at[1]} cannot be listened on ({error.strerror}); name another --metrics-port")
        yield


def keep_short(log: Path) -> None:
    """Turn a log over that has grown too long. Its writers append, so they go on at its new beginning."""
    if log.stat().st_size > LONGEST_LOG:
        shutil.copyfile(log, log.with_name(log.name + ".1"))
        os.truncate(log, 0)


def _keep_database_up(say: Say) -> None:
    """Start the embedded server again when it was killed; a named server is somebody else's to keep."""
    folder = home() / "postgres"
    if settings.DATABASE_URL.is_set() or embedded.is_running(folder):
        return
    say("the embedded database is gone; starting it again")
    try:
        embedded.start(folder)
    except (EmsError, RuntimeError) as error:
        say(f"it did not start: {error}")


@contextmanager
def _plant(site: Site, platform: Platform, history_days: int, say: Say) -> Iterator[PlantArm]:
    """The virtual plant at the addresses of the site file, with documents of its own market and sky.

    A site that was never measured gets the plant's own past; and because nothing real can be switched, it is armed for
    as long as the plant runs.
    """
    from ems_pipeline.plant import serving
    from ems_pipeline.plant.switching import faults_switched

    with serving(site, platform.clock, history_days=history_days + history.LOGGED_BEFORE) as plant:
        for name, address in plant.environ.items():
            os.environ.setdefault(name, address)
        say(f"virtual plant of {site.key}: " + ", ".join(f"{g.key} {g.host}:{g.port}" for g in site.gateways))
        with open_instance() as instance:
            runs = InProcess(platform, instance)
            runs.register([site.key])
            if _is_new(platform, site):
                history.begin(
                    runs, site, plant.history(), history_days, lambda what, done, of: say(f"  {done + 1}/{of} {what}")
                )
            else:
                history.know_the_present(runs, site)
        with faults_switched(plant), plant_arm.armed(platform, site.key) as arm:
            yield arm


def _is_new(platform: Platform, site: Site) -> bool:
    with platform.warehouse.begin() as connection:
        return site.key not in measured_history(connection).filter(pl.col("days") > 0)["site_key"]


@contextmanager
def _children(
    port: int | None,
    code_server: tuple[str, int] | None,
    web_port: int | None = None,
    with_notices: bool = False,
    *,
    with_chargers: bool = False,
    with_home_assistant: bool = False,
    with_controllers: bool = False,
) -> Iterator[list[Child]]:
    """What `ems up` keeps alive; a code server of its own has a socket that is taken away at the end."""
    folder = home() / "dagster"
    where = services.code_socket(folder) if code_server is None else code_server
    listening = where if isinstance(where, Path) else None  # what listens elsewhere is somebody else's to wait for
    workspace = services.workspace(folder, where)
    children = [services.daemon(workspace, listening)]
    if code_server is None:
        children.insert(0, services.code_server(where))
    if port is not None:
        children.append(services.webserver(workspace, UI_HOST, port, listening))
    if web_port is not None:
        children.append(services.web(web_port))
    if with_notices:
        children.append(services.notices())
    if with_home_assistant:
        children.append(services.home_assistant())
    if with_chargers:
        children.append(services.chargers())
    if with_controllers:
        children.append(services.controllers())
    try:
        yield children
    finally:
        end_all(children)
        if listening is not None:
            listening.unlink(missing_ok=True)
            local.forget(listening.parent)
