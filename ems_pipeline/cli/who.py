"""Whose hand it was, for the journal."""

from __future__ import annotations

import getpass


def who() -> str:
    """The user of this terminal."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "unknown"
