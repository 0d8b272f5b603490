"""Plan -> set-points: who may ask what of a device, how it is written, whether it was obeyed, and how it is let go.

`authority` resolves envelope, grid limit, overrides and plan to one wish per device; `session` journals, writes and
reads back; `lifecycle` holds the states of a set-point; `verification` looks again; `commissioning` sets one point by
hand. See docs/control.md.
"""

from ems_pipeline.control.cycle import run_control
from ems_pipeline.control.release import declare_gone, release_all, release_site
from ems_pipeline.control.verification import run_verification

__all__ = ["declare_gone", "release_all", "release_site", "run_control", "run_verification"]
