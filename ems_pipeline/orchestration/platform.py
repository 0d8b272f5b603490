"""The platform as a Dagster resource.

Tests and the demo pass a `Platform` of their own to `build_defs`; nothing else in the code location can tell.
"""

import dagster as dg
from pydantic import PrivateAttr

from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.site_folder import read_sites
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import open_warehouse


class PlatformResource(dg.ConfigurableResource[Platform]):
    """Builds the `Platform` of this process from the environment (EMS_HOME, EMS_DATABASE_URL, EMS_SITES)."""

    _platform: Platform | None = PrivateAttr(default=None)

    def create_resource(self, context: dg.InitResourceContext) -> Platform:  # noqa: ARG002 - Dagster's signature
        if self._platform is None:
            self._platform = Platform(open_warehouse(), SystemClock(), read_sites)
        return self._platform
