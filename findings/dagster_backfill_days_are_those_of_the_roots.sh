#!/bin/sh
# dagster: a backfill of several assets that is asked for days, as the web UI's dialog asks, gives these days to the assets
# at the root of the selection only. Every other asset's days are found by following the partition mappings down: one that
# reads the day before gets other days than were asked for, one too late at each end; one that reads 30 days, a month
# more. No warning. Nobody is told that a truthful mapping of a memory makes days that were not asked for, of assets that
# may do something with them.
# Seen with dagster 1.13.27.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" --quiet --disable-pip-version-check install dagster==1.13.27
DAGSTER_DISABLE_TELEMETRY=1 "$place/venv/bin/python" -W ignore - <<'EOF'
import time
import dagster as dg
from dagster._core.execution.backfill import PartitionBackfill

days = dg.DailyPartitionsDefinition("2026-01-01")

def reads(first, last):
    mapping = dg.TimeWindowPartitionMapping(first, last, allow_nonexistent_upstream_partitions=True)
    return [dg.AssetDep("measured", partition_mapping=mapping)]

@dg.asset(partitions_def=days)
def measured(): ...
@dg.asset(partitions_def=days, deps=reads(-1, -1))
def eve(): ...
@dg.asset(partitions_def=days, deps=reads(-30, 0))
def memory(): ...

graph = dg.Definitions([measured, eve, memory]).resolve_asset_graph()
with dg.DagsterInstance.ephemeral() as instance:
    asked = [f"2026-01-{day:02}" for day in range(10, 20)]
    backfill = PartitionBackfill.from_asset_partitions(
        backfill_id="one", asset_graph=graph, partition_names=asked, asset_selection=list(graph.get_all_asset_keys()),
        backfill_timestamp=time.time(), tags={}, dynamic_partitions_store=instance, all_partitions=False,
        title=None, description=None, run_config=None)
    target = backfill.get_asset_backfill_data(graph).target_subset.partitions_subsets_by_asset_key
got = {key.to_user_string(): sorted(subset.get_partition_keys()) for key, subset in target.items()}
ends = {name: (keys[0], keys[-1]) for name, keys in sorted(got.items())}
print(f"dagster {dg.__version__}: asked for {asked[0]} to {asked[-1]} of each, targeted: {ends}")
assert ends["measured"] == (asked[0], asked[-1]), "changed"
assert ends["eve"] == ("2026-01-11", "2026-01-20"), "changed"
assert ends["memory"] == ("2026-01-10", "2026-02-18"), "changed"
EOF
