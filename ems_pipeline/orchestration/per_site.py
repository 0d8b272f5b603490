"""One run serves many sites: what fails for one of them is an alarm there, and costs no other site anything."""

from collections.abc import Iterable, Mapping

import dagster as dg

from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.warehouse import alarms
from ems_pipeline.warehouse.situation import InputsMissing
from ems_pipeline.weather.errors import WeatherError


def settle(
    context: dg.AssetExecutionContext,
    ems: Platform,
    kind: str,
    served: Iterable[str],
    faults: Mapping[str, str],
    is_live: bool = True,
) -> None:
    """End the alarm ``kind`` of the sites that were served and raise it with the reason for the others.

    Args:
        faults: what is wrong and the remedy, by site.
        is_live: whether this is about today or later; a backfill says nothing about how things stand.

    Raises:
        dg.Failure: nobody was served, or somebody was not by a backfill; with all reasons.
    """
    done = [key for key in served if key not in faults]
    if faults and (not done or not is_live):
        raise dg.Failure("; ".join(dict.fromkeys(faults.values())), allow_retries=False)
    if not is_live:
        return
    now = ems.clock.now()
    with ems.warehouse.begin() as connection:
        alarms.clear_of_sites(connection, done, kind, now)
        for key, text in faults.items():
            context.log.error(f"{key}: {text}")
            alarms.raise_alarm(connection, key, kind, "warning", text, now)


def told(fault: Exception) -> str:
    """What went wrong, for people: errors that name their remedy speak for themselves, others with their kind."""
    return str(fault) if isinstance(fault, InputsMissing | WeatherError) else f"{type(fault).__name__}: {fault}"
