"""Where the web process finds the database: the pipeline's, as a login of its own."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import URL

from ems_pipeline import settings
from ems_pipeline.warehouse.engine import EMS_DATABASE, database_url
from ems_pipeline.warehouse.roles import WEB_LOGIN


def of_the_web(environ: Mapping[str, str] | None = None) -> str:
    """For libpq: ``EMS_WEB_DATABASE_URL``, else the pipeline's own as login `WEB_LOGIN`; starts an embedded server.

    Raises:
        WrongSetting, DatabaseUnavailable: see `engine.database_url`.
    """
    return settings.WEB_DATABASE_URL.read(environ) or as_web(database_url(EMS_DATABASE))


def as_web(url: URL) -> str:
    """An address as libpq takes it, with the web process's login and nobody's password."""
    own = URL.create("postgresql", WEB_LOGIN, None, url.host, url.port, url.database, url.query)
    return own.render_as_string(hide_password=False)
