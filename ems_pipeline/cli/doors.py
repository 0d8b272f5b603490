"""The checks of `ems doors`: what is open here, to whom, and how to close what should not be."""

from __future__ import annotations

import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ems_pipeline.cli.checkup import Check, Finding

if TYPE_CHECKING:
    from ems_pipeline.orchestration.installation.listening import Door, Port

SHOWN = 20
"""Files that are named; of more, how many."""


def sockets() -> Iterator[Finding]:
    """Everything that processes of this installation listen on."""
    from ems_pipeline.orchestration.installation import listening
    from ems_pipeline.warehouse import embedded, home_lock, local

    if not listening.PROC.joinpath("self", "net").exists():
        text = "cannot be seen, this system has no /proc; look yourself: `lsof -nP -iTCP -sTCP:LISTEN` and `lsof -U`"
        yield Finding("warning", "sockets", text)
        return
    home = local.home()
    heads = [pid for pid in (home_lock.holder(home), embedded.postmaster(home / "postgres")) if pid is not None]
    found = listening.processes(home, heads)
    for pid in found:
        try:
            name = listening.name(pid)
            yield from (_of_port(port, name) for port in listening.ports(pid))
            yield from (_of_door(door, name) for door in listening.doors(pid))
        except FileNotFoundError:  # it has ended, or removed its socket
            continue
        except listening.NotLookedInto as error:
            yield Finding("warning", "sockets", str(error))
    yield Finding("good", "sockets", f"{len(found)} processes of {home} looked at")


def _of_port(port: Port, name: str) -> Finding:
    what = f"{port.protocol} {port.ip} port {port.number}"
    if port.is_loopback:
        return Finding("good", what, f"{name} ({port.pid}): users and programs of this machine only")
    if port.number in _called():
        text = f"{name} ({port.pid}): chargers of this network, each with its name and password (EMS_OCPP_LAN)"
        return Finding("good", what, text)
    text = (
        f"{name} ({port.pid}): whoever reaches this machine over the network. Nothing here asks for a password: listen "
        "on 127.0.0.1 (`--host`, `--metrics-host`) and put a proxy with a login in front"
    )
    return Finding("warning", what, text)


def _called() -> set[int]:
    """Ports at which chargers may call in from beyond this machine."""
    from ems_pipeline import settings
    from ems_pipeline.devices.ocpp.admission import expected
    from ems_pipeline.sites import Site
    from ems_pipeline.steps.site_folder import read_sites

    found = expected([s for s in read_sites() if isinstance(s, Site)], lan=settings.OCPP_LAN.read())
    return {door.port for door in found.doors if door.password_env is not None}


def _of_door(door: Door, name: str) -> Finding:
    if door.path.startswith("@"):
        text = f"{name} ({door.pid}): every user of this machine, it has no file that could be closed; tell us of it"
        return Finding("warning", f"socket {door.path}", text)
    path = Path(door.path)
    shown = f"{name} ({door.pid}): {_mode(path)} in {_mode(path.parent)}"
    if door.is_owners_alone:
        return Finding("good", f"socket {path}", f"{shown}: its owner only")
    text = f"{shown}: other users of this machine; chmod go= {path}"
    return Finding("warning", f"socket {path}", text)


def _mode(path: Path) -> str:
    status = path.stat()
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        owner = str(status.st_uid)
    return f"{stat.filemode(status.st_mode)} of {owner}"


def database_logins() -> Iterator[Finding]:
    """Who may log in to the database, and what ends their sessions."""
    from ems_pipeline.warehouse.logins import database_if_up, logins

    if (warehouse := database_if_up()) is None:
        yield Finding("good", "database logins", "the embedded database does not run: nobody can log in")
        return
    with warehouse.begin() as connection:
        found = logins(connection)
    for login in found:
        what, kind = f"database login {login.name}", "superuser" if login.is_superuser else ", ".join(login.roles)
        sessions = "any number of sessions" if login.sessions < 0 else f"{login.sessions} sessions"
        limits = [f"{name} {value}" for name, value in sorted(login.settings.items()) if name.endswith("_timeout")]
        text = f"{kind or 'none of our roles'}; {', '.join([sessions, *limits])}"
        if unbound := login.unbound():
            remedy = f"`ems db migrate` as the owner, or `ems db login {login.name} ROLE`, binds it"
            yield Finding("warning", what, f"{text}; it may hold up the house, without {', '.join(unbound)}: {remedy}")
        else:
            yield Finding("good", what, text)


def files() -> Iterator[Finding]:
    """Files and folders of the home that somebody else may list, read or write."""
    from ems_pipeline.warehouse import local

    home = local.home()
    if not home.exists():
        yield Finding("good", "files", f"{home} does not exist yet")
        return
    found = list(local.open_to_others(home))
    for path in found[:SHOWN]:
        yield Finding("warning", f"file {path}", f"{_mode(path)}: open to others; chmod go= {path}")
    if len(found) > SHOWN:
        yield Finding("warning", "files", f"{len(found) - SHOWN} more below {home}; chmod go= {home} closes them all")
    elif not found:
        yield Finding("good", "files", f"nothing at or below {home} ({_mode(home)}) can be read by others")


ALL: tuple[Check, ...] = (sockets, database_logins, files)
