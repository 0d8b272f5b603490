"""What went wrong for one of many, in words; and the alarms of what many sites share. Those of a site: `ledger.py`."""

from collections.abc import Collection, Mapping

import dagster as dg

from ems_pipeline import plain_text
from ems_pipeline.errors import EmsError
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import alarms


def settle_shared(
    context: dg.AssetExecutionContext,
    ems: Platform,
    kind: str,
    served: Collection[str],
    faults: Mapping[str, str],
    is_current: bool = True,
) -> None:
    """File and end alarms of what many sites share (a market zone, a currency): the alarm is no site's, and its kind
    names the thing, e.g. ``no-prices:ES``. An alarm of a thing that nobody asks for any more ends.

    Raises:
        dg.Failure: there are faults and nothing was served, with all reasons.
    """
    for thing, text in faults.items():
        context.log.error(f"{thing}: {text}")
    if is_current:
        now = ems.clock.now()
        with ems.warehouse.begin() as connection:
            for standing in alarms.open_alarms(connection)["kind"].to_list():
                if standing.startswith(f"{kind}:") and standing.removeprefix(f"{kind}:") not in faults:
                    alarms.clear(connection, None, standing, now)
            for thing, text in faults.items():
                alarms.raise_alarm(connection, None, f"{kind}:{thing}", "warning", text, now)
    if faults and not served:
        raise dg.Failure("; ".join(dict.fromkeys(faults.values())), allow_retries=False)


def told(fault: Exception) -> str:
    """What went wrong, for people: of other errors their kind says more than the text (``KeyError: 'x'``)."""
    return str(fault) if isinstance(fault, EmsError) else plain_text.told(fault)
