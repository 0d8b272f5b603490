"""The installation live on one machine: database, daemon, web UI and, for a demo site, the virtual plant."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl

from ems_pipeline import control
from ems_pipeline.orchestration import history, services
from ems_pipeline.orchestration.in_process import InProcess
from ems_pipeline.orchestration.instance import open_instance, prepare
from ems_pipeline.orchestration.platform import Platform, site_files
from ems_pipeline.orchestration.supervisor import Child, Supervisor
from ems_pipeline.sites import Site, load_sites
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import arming, embedded
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import home
from ems_pipeline.warehouse.inventory import measured_history

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
Say = Callable[[str], None]


def serve(port: int | None, with_plant: bool | None, history_days: int, say: Say) -> None:
    """Run until stopped; then release every device that was steered.

    Args:
        port: of the web UI; None leaves it out (another process serves it).
        with_plant: None: for sites whose gateways are all this machine.
    """
    warehouse = prepare()
    platform = Platform(warehouse, SystemClock(), lambda: load_sites(site_files()))
    with warehouse.begin() as connection:
        registry.register(connection, platform.read_sites(), platform.clock.now())
    with ExitStack() as stack:
        for site in platform.sites():
            if is_here(site) if with_plant is None else with_plant:
                stack.enter_context(_plant(site, platform, history_days, say))
        log = stack.enter_context((home() / "services.log").open("ab"))
        say(f"log of daemon and web UI: {home() / 'services.log'}")
        Supervisor(_children(port), os.environ, log.fileno(), say, lambda: _keep_database_up(say)).run()
        say("stopping: devices are handed back to themselves")
        for site in platform.sites():
            for outcome in control.release_site(
                warehouse, site, platform.clock.now(), platform.clock, "ems up stopped"
            ):
                say(str(outcome))


def serve_ui(host: str, port: int) -> None:
    """Only the web UI, in place of this process."""
    prepare()
    command = services.webserver(Path("workspace.yaml"), host, port).command
    os.execve(command[0], list(command), os.environ)


def is_here(site: Site) -> bool:
    """Whether all gateways of a site are this machine: nothing but the virtual plant answers there."""
    return bool(site.gateways) and all(gateway.host in LOOPBACK for gateway in site.gateways)


def _keep_database_up(say: Say) -> None:
    """Start the embedded server again when it was killed; a named server is somebody else's to keep."""
    folder = home() / "postgres"
    if "EMS_DATABASE_URL" in os.environ or embedded.is_running(folder):
        return
    say("the embedded database is gone; starting it again")
    try:
        embedded.start(folder)
    except RuntimeError as error:
        say(f"it did not start: {error}")


@contextmanager
def _plant(site: Site, platform: Platform, history_days: int, say: Say) -> Iterator[None]:
    """The virtual plant at the addresses of the site file, with documents of its own market and sky.

    A site that was never measured gets the plant's own past; and because nothing real can be switched, it is armed.
    """
    from ems_pipeline.plant import serving

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
        with platform.warehouse.begin() as connection:
            arming.arm(connection, site.key, platform.clock.now(), by="virtual plant")
        yield


def _is_new(platform: Platform, site: Site) -> bool:
    with platform.warehouse.begin() as connection:
        return site.key not in measured_history(connection).filter(pl.col("days") > 0)["site_key"]


def _children(port: int | None) -> list[Child]:
    socket = services.code_socket(home() / "dagster")
    workspace = services.workspace(home() / "dagster", socket)
    children = [services.code_server(socket), services.daemon(workspace, socket)]
    return children if port is None else [*children, services.webserver(workspace, "127.0.0.1", port, socket)]
