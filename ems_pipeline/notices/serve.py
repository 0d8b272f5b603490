"""The process that tells people: a thread for each way, so that a dead one delays no other, and one for the bot.

It ends when it is told to, or with whoever started it; what was not sent by then is sent after the next start.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from ems_pipeline import settings
from ems_pipeline.notices.polling import Poller
from ems_pipeline.notices.telling import Teller
from ems_pipeline.notify import ways
from ems_pipeline.notify.notice import Way
from ems_pipeline.notify.pace import Pace
from ems_pipeline.notify.telegram import Telegram
from ems_pipeline.time_grid import Clock, SystemClock
from ems_pipeline.warehouse import Warehouse, told
from ems_pipeline.warehouse.engine import EMS_DATABASE, database_url, target_url
from ems_pipeline.warehouse.roles import NOTICES_LOGIN

logger = logging.getLogger(__name__)
EVERY_S, LONGEST_PAUSE_S = 3.0, 60.0
"""Between two looks of a way, and after failures in a row."""
TIDY_EVERY_S = timedelta(hours=6).total_seconds()
Look = Callable[[], None]


def open_own() -> Warehouse:
    """The database as the login of this process. WrongSetting, DatabaseUnavailable: see `engine.database_url`."""
    named = settings.NOTICES_DATABASE_URL.read()
    if named is not None:
        return Warehouse(target_url(named))
    own = database_url(EMS_DATABASE).set(drivername="postgresql+psycopg", username=NOTICES_LOGIN)
    return Warehouse(own._replace(password=None))


def main() -> int:
    """Tell until stopped; SecretUnreadable, WrongSetting, NoSender: a way is named and cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    found, stop = ways.to_persons(), threading.Event()
    if not found:
        logger.info("no way to persons is named: EMS_TELEGRAM_TOKEN and EMS_SMTP_HOST are unset (docs/notices.md)")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    for name, every_s, look in looks(open_own(), SystemClock(), found):
        threading.Thread(target=partial(_keep_looking, look, every_s, stop), name=name, daemon=True).start()
    stop.wait()
    return 0


def looks(warehouse: Warehouse, clock: Clock, found: list[Way]) -> list[tuple[str, float, Look]]:
    """What is to be done again and again: its name, how often (s), and the doing."""
    wanted: list[tuple[str, float, Look]] = []
    for way in found:
        pace = Pace()
        wanted.append((way.kind, EVERY_S, Teller(warehouse, clock, way, pace).look))
        if isinstance(way, Telegram):
            poller = Poller(warehouse, clock, way, pace, way.number)
            wanted.append(("bot", 1.0, poller.look))
    return [*wanted, ("tidy", TIDY_EVERY_S, partial(_tidy, warehouse, clock))] if wanted else []


def _tidy(warehouse: Warehouse, clock: Clock) -> None:
    with warehouse.begin() as connection:
        told.forget(connection, clock.now())


def _keep_looking(look: Look, every_s: float, stop: threading.Event) -> None:
    """Whatever goes wrong, look again; a little later each time."""
    pause_s = every_s
    while not stop.is_set():
        try:
            look()
            pause_s = every_s
        except Exception as error:  # a database that is away, a fault of ours: people want to be told afterwards
            logger.warning(
                "%s: %s", threading.current_thread().name, error, exc_info=logger.isEnabledFor(logging.DEBUG)
            )
            pause_s = min(LONGEST_PAUSE_S, 2 * max(pause_s, 1.0))
        stop.wait(pause_s)


if __name__ == "__main__":
    sys.exit(main())
