"""Prices and the plan in force of a site as polars frames, as they were known at a moment.

python examples/prices_and_plans.py home01
"""

import sys
from datetime import UTC, datetime, timedelta

from ems_pipeline.warehouse import market, open_warehouse, plans

site, now = sys.argv[1], datetime.now(UTC)
warehouse = open_warehouse()
with warehouse.begin() as connection:
    prices = market.effective_prices(connection, [site], now, now + timedelta(days=1), now)
    powers = plans.powers(connection, {site: now}, now).get(site, {})
print(prices.select("starts_at", "buy_per_kwh", "sell_per_kwh"))
print({asset: len(power_w) for asset, power_w in powers.items()} or f"no plan of {site} reaches beyond now")
