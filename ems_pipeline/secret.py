"""Secrets come from the environment or from a file it names, and from nowhere else.

``NAME`` holds the secret itself; ``NAME_FILE`` names a file with it, as container platforms and systemd credentials
hand secrets over. They are looked up when they are needed and kept by nobody.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ems_pipeline.errors import EmsError


class SecretUnreadable(EmsError, ValueError):
    """A file that should hold a secret cannot be read, or holds none."""


def secret(name: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The secret called ``name``; None when there is none.

    Raises:
        SecretUnreadable: see there; the text names the file, never its content.
    """
    environ = os.environ if environ is None else environ
    if value := environ.get(name):
        return value
    file = environ.get(f"{name}_FILE")
    if not file:
        return None
    try:
        value = Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretUnreadable(
            f"{name}_FILE names {file}, which cannot be read: {error.strerror}", "correct it"
        ) from None
    except ValueError:  # not UTF-8, or a path that cannot be one; the error itself would show bytes of the secret
        raise SecretUnreadable(
            f"{name}_FILE names {file}, which is no UTF-8 text", "save the secret as UTF-8"
        ) from None
    if not value:
        raise SecretUnreadable(f"{name}_FILE names {file}, which is empty", "put the secret into its first line")
    return value
