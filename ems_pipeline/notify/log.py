"""Notices as log lines: for whoever reads the journal of the machine."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ems_pipeline.notify.notice import Notice

logger = logging.getLogger(__name__)
LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}


class LogNotifier:
    """A line per notice, at the level of its severity."""

    def send(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            logger.log(LEVELS[notice.severity], "alarm %d %s", notice.number, notice)
