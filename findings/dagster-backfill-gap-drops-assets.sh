#!/usr/bin/env bash
# Dagster 1.13.27: a backfill of assets between which one was not chosen drops the later ones
# without a word, and ends as a success.
#
# Chain a -> b -> c, daily partitions, no backfill policy. A backfill of a and c as the pages launch
# it (the mutation launchPartitionBackfill with assetSelection and partitionNames, where b is not
# among the chosen) keeps a and c in its list of assets, but its target is a alone: Dagster walks
# the graph from the first chosen asset and stops at what was not chosen, so that c is never
# reached. Seen: LaunchBackfillSuccess, then COMPLETED_SUCCESS, a materialized, c not; no run, no
# event and no field of the backfill says that c was left out. Chosen by itself, c is made.
#
# Exits with 0 while this is so.
set -euo pipefail
cd "$(mktemp -d)"
trap 'kill "${daemon:-}" 2>/dev/null || true; rm -rf "$PWD"' EXIT

python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check \
    dagster==1.13.27 dagster-graphql==1.13.27 "setuptools<81"

cat >definitions.py <<'PYTHON'
import dagster as dg

days = dg.DailyPartitionsDefinition("2025-05-27")


@dg.asset(partitions_def=days)
def a() -> None: ...


@dg.asset(partitions_def=days, deps=[a])
def b() -> None: ...


@dg.asset(partitions_def=days, deps=[b])
def c() -> None: ...


defs = dg.Definitions([a, b, c], executor=dg.in_process_executor)
PYTHON

cat >look.py <<'PYTHON'
import json, subprocess, sys, time

import dagster as dg

LAUNCH = """mutation ($given: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $given) {
    __typename ... on LaunchBackfillSuccess { backfillId }
  }
}"""


def backfill(instance, *assets):
    given = {
        "assetSelection": [{"path": [name]} for name in assets],
        "partitionNames": ["2025-05-28"],
    }
    said = subprocess.run(
        ["env/bin/dagster-graphql", "-f", "definitions.py", "-t", LAUNCH, "-v",
         json.dumps({"given": given})],
        check=True, capture_output=True, text=True,
    ).stdout
    document, _ = json.JSONDecoder().raw_decode(said[said.index('{"data"'):])
    launched = document["data"]["launchPartitionBackfill"]
    end = time.monotonic() + 180
    while (found := instance.get_backfill(launched["backfillId"])).status.value in (
        "REQUESTED", "COMPLETING"
    ):
        if time.monotonic() > end:
            sys.exit("the daemon did not end the backfill within 180 s")
        time.sleep(1)
    made = [
        name for name in "abc"
        if instance.get_materialized_partitions(dg.AssetKey(name)) == {"2025-05-28"}
    ]
    chosen = [key.to_user_string() for key in found.asset_selection]
    print(f"chosen {chosen}: {launched['__typename']}, {found.status.value}, made so far {made}")
    return launched["__typename"], found.status.value, made


with dg.DagsterInstance.get() as instance:
    with_gap = backfill(instance, "a", "c")
    alone = backfill(instance, "c")
success = ("LaunchBackfillSuccess", "COMPLETED_SUCCESS")
sys.exit((with_gap, alone) != ((*success, ["a"]), (*success, ["a", "c"])))
PYTHON

export DAGSTER_HOME="$PWD/home" DAGSTER_DISABLE_TELEMETRY=yes
mkdir home
printf 'telemetry:\n  enabled: false\n' >home/dagster.yaml
env/bin/python -c 'import dagster as dg; dg.DagsterInstance.get().get_runs_count()'
env/bin/dagster-daemon run -f definitions.py >daemon.log 2>&1 &
daemon=$!
env/bin/python look.py
