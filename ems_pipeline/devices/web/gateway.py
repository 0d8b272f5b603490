"""One HTTP device, asked with the manners small controllers need: one request at a time, a pause, no repeated knocking.

Requests run in a thread through `ems_pipeline.http`, so a slow Miniserver never holds up the Modbus gateways.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from ems_pipeline import http
from ems_pipeline.devices.driver.contract import DeviceFault, MayGo, always
from ems_pipeline.devices.driver.password import password
from ems_pipeline.devices.points.reading import Quality

Answered = TypeVar("Answered")
STARTING = frozenset({503, 901})
"""The device says that it restarts, or that it has no connection left (Loxone 901)."""
LOGIN_FAILED = frozenset({401, 403})
"""Asking on after one of these may get the address blocked."""


@dataclass(frozen=True, slots=True)
class WebEndpoint:
    """Where an HTTP device answers; the password is the secret called ``password_env`` (see `ems_pipeline.secret`)."""

    host: str
    port: int = 80
    user: str | None = None
    password_env: str | None = None
    timeout_s: float = 5.0

    @property
    def base_url(self) -> str:
        return f"{'https' if self.port == 443 else 'http'}://{self.host}:{self.port}"


class WebGateway:
    """All requests to one HTTP device."""

    def __init__(self, endpoint: WebEndpoint, environ: Mapping[str, str] | None = None) -> None:
        self.endpoint = endpoint
        self.requests = 0
        self._environ = environ
        self._turn = asyncio.Lock()
        self._quiet_until = 0.0

    async def get(
        self, path: str, gap_s: float = 0.0, scheme: Literal["basic", "digest"] = "basic", may_go: MayGo = always
    ) -> bytes:
        """The body behind ``path`` (already URL-encoded), asked once; ``scheme`` is how the device wants the login.

        Raises:
            DeviceFault: no or a negative answer, or ``may_go`` held it back.
        """

        def ask(url: str) -> bytes:
            try:
                return http.get(url, None, None, self.endpoint.timeout_s, 0, self._login(scheme))
            except http.HttpError as error:
                raise _fault(error) from None

        return await self.in_turn(path, ask, gap_s, may_go)

    async def in_turn(
        self, path: str, ask: Callable[[str], Answered], gap_s: float = 0.0, may_go: MayGo = always
    ) -> Answered:
        """What ``ask`` gets from the address of a path, in a thread, once nobody else asks. Same errors, and its."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(0.0, self._quiet_until - loop.time()))
            if halted := await may_go():  # after every wait: what follows goes out at once
                raise DeviceFault(Quality.REFUSED, halted)
            self.requests += 1
            try:
                return await asyncio.to_thread(ask, f"{self.endpoint.base_url}/{path}")
            finally:
                self._quiet_until = loop.time() + gap_s

    def _login(self, scheme: Literal["basic", "digest"]) -> http.Login | None:
        user = self.endpoint.user
        return None if user is None else http.Login(user, self._password(f"password for user {user}"), scheme)

    def _password(self, what: str) -> str:
        """The secret that the site file names; errors of `password`."""
        return password(self.endpoint.password_env, what, self._environ)


def status_fault(code: int, what: str) -> DeviceFault:
    """A protocol's own status code as a fault; used where HTTP says 200 and the body says otherwise."""
    quality = Quality.NOT_READY if code in STARTING else Quality.REFUSED
    remedies = {
        401: "check user and password",
        403: "check the user's rights; the address may be blocked for some minutes",
        404: "check the name and that the user may see the object",
        503: "it restarts; set-points must be sent again",
        901: "too many connections; close other clients",
    }
    reason = f"{what}: code {code}; {remedies.get(code, 'see its log')}"
    return DeviceFault(quality, reason, device_wide=code in STARTING | LOGIN_FAILED)


def _fault(error: http.HttpError) -> DeviceFault:
    if error.status is not None:
        return status_fault(error.status, f"{error.url}{_said(error.body)}")
    return DeviceFault(Quality.NO_ANSWER, str(error), device_wide=True)


def _said(body: bytes) -> str:
    """What the device itself says about its refusal, where it says so in JSON."""
    try:
        return f" ({str(json.loads(body)['message'])[:80]})"
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
