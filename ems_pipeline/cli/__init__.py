"""The `ems` command: everything an owner, integrator or operator does from a terminal.

One module per noun. Exit codes: 0 done, 1 the thing asked for failed (the message says why and what to do), 2 the
command was used wrongly. Heavy imports stay inside commands, so that `ems --help` answers at once.
"""

from ems_pipeline.cli.app import app

__all__ = ["app"]
