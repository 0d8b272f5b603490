"""Telling people what they should know. A notice is an alarm in words; a notifier is one way to deliver it.

Add a way as a module with a class that has `Notifier.send`, and name it in `from_environment`. Delivery is never part
of control: it happens after the alarm has been committed, and what fails is tried again.

The whole address of a webhook counts as a secret, because services put their tokens into its path.

    notice                what there is to say, and what those who say it must be able to do
    log, webhook          ways to people, whoever they are: here
    telegram, mail, push, ways  ways to one person at a time, by `ems_pipeline.notices`
    subscription          where a browser is told, as it says it
    choice                who hears of what, and when
    wording, pace         alarms as one message, and when the next may follow
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ems_pipeline import settings
from ems_pipeline.notify.log import LogNotifier
from ems_pipeline.notify.notice import Notice, Notifier, NotSent

__all__ = ["NotSent", "Notice", "Notifier", "Told", "beside_the_log", "deliver", "from_environment"]

Told = Mapping[str, Sequence[int]]
"""Numbers of the open alarms that each way to people has delivered already, by the name of its class."""


def from_environment(environ: Mapping[str, str] | None = None) -> list[Notifier]:
    """The log, and whatever else the environment names.

    Raises:
        SecretUnreadable, WrongSetting: it names a file that cannot be read, or what is no address.
    """
    return [LogNotifier(), *beside_the_log(environ)]


def beside_the_log(environ: Mapping[str, str] | None = None) -> list[Notifier]:
    """The ways to people that the environment names, for those whose own words are in the log already; same errors."""
    address = settings.NOTIFY_WEBHOOK.read(environ)
    if not address:
        return []
    # Not above: the web process knows browsers by this package, asks nobody, and would carry `requests` for ever.
    from ems_pipeline.notify.webhook import WebhookNotifier

    return [WebhookNotifier(address)]


def deliver(notifiers: Iterable[Notifier], standing: Sequence[Notice], told: Told) -> tuple[Told, list[str]]:
    """Tell of every standing alarm once by every way, however often it repeats itself.

    Returns:
        What is told now, to be given with the next call, and what could not be sent and is tried again then.
    """
    now: dict[str, Sequence[int]] = {}
    faults = []
    for notifier in notifiers:
        name = type(notifier).__name__
        known = [n.number for n in standing if n.number in told.get(name, ())]
        new = [notice for notice in standing if notice.number not in known]
        try:
            if new:
                notifier.send(new)
            known += [notice.number for notice in new]
        except NotSent as error:
            faults.append(str(error))
        now[name] = known
    return now, faults
