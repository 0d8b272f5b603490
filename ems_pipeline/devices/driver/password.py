"""What a wire shows to be let in: a secret by the name that the site file gives it."""

from __future__ import annotations

from collections.abc import Mapping

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.secret import SecretUnreadable, secret


def password(name: str | None, what: str, environ: Mapping[str, str] | None = None) -> str:
    """The secret called ``name``.

    Args:
        what: it is for, in an error.

    Raises:
        DeviceFault: none is named, or it is not set or cannot be read.
    """
    try:
        found = secret(name, environ) if name else None
    except SecretUnreadable as error:
        raise DeviceFault(Quality.REFUSED, str(error), device_wide=True) from None
    if found is None:
        reason = f"no {what}: set {name or 'password_env in the site file'}"
        raise DeviceFault(Quality.REFUSED, reason, device_wide=True)
    return found
