"""A site over HTTP, in typed objects: what is planned and what it costs, a battery held for a while, a plan asked for.

EMS_TOKEN=... python examples/over_http.py show
EMS_TOKEN=... python examples/over_http.py show home01
EMS_TOKEN=... python examples/over_http.py hold home01 pack --minutes 30
EMS_TOKEN=... python examples/over_http.py plan home01

Without EMS_TOKEN it asks for name and password. Ask for a token with the resources plans:read, prices:read, sites:read,
overrides:write, requests:read and requests:write: docs/api.md says how.
"""

import argparse
import os
import sys
from getpass import getpass

from ems_client import Client, Refused
from ems_client.models import Filed, OverrideFiled, OverrideWish, Plan, Price, SiteShort


def sites(client: Client) -> None:
    for site in client.every(SiteShort, "/me/sites"):
        print(f"{site.site}: {site.name}, {site.timezone}, prices of {site.market_zone} in {site.currency}")


def show(client: Client, site: str) -> None:
    plan = client.get(Plan, f"/sites/{site}/plan")
    prices = {price.starts_at: price for price in client.every(Price, f"/sites/{site}/prices")}
    print(f"{plan.kind} plan of {plan.decided_at:%Y-%m-%d %H:%M}, {plan.status}")
    for slot in plan.slots:
        price = prices.get(slot.starts_at)
        buy = "-" if price is None else f"{price.buy_per_kwh:.2f} {price.currency}/kWh"
        power = "-" if slot.battery_kw is None else f"{slot.battery_kw:+.2f} kW"
        print(f"{slot.starts_at:%H:%M} {buy}  battery {power}: {slot.mode}, {slot.reason}")


def hold(client: Client, site: str, asset: str, minutes: int) -> None:
    wish = OverrideWish(asset=asset, mode="hold", duration_minutes=minutes)
    filed = client.post(OverrideFiled, f"/sites/{site}/overrides", wish)
    print(f"override {filed.override_id}: {filed.mode} {filed.asset} until {filed.ends_at:%H:%M} UTC; it is a wish")


def plan(client: Client, site: str) -> None:
    request = client.follow(client.post(Filed, f"/sites/{site}/plan/run", type="rolling"))
    print(f"{request.kind} for {request.requested_by}: {request.state}, {request.problem or request.result}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Look at a site over HTTP, hold a battery, ask for a plan.")
    parser.add_argument("what", choices=["show", "hold", "plan"])
    parser.add_argument("site", nargs="?", help="key of the site; without it: which there are")
    parser.add_argument("asset", nargs="?", default="pack", help="what is held (pack)")
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    said = parser.parse_args()
    client = Client(said.address, os.environ.get("EMS_TOKEN", ""))
    try:
        if "EMS_TOKEN" not in os.environ:
            client.login(input("name: "), getpass())
        if said.site is None:
            sites(client)
        elif said.what == "hold":
            hold(client, said.site, said.asset, said.minutes)
        else:
            {"show": show, "plan": plan}[said.what](client, said.site)
    except Refused as refused:
        sys.exit(str(refused))
    except OSError as error:  # of requests, too
        sys.exit(f"{said.address} gave no answer: {error}\nWhat to do: look whether `ems web` runs there")


if __name__ == "__main__":
    main()
