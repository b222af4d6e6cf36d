"""`python -m simulator`: one process on 127.0.0.1 that stands in for the vendors of all feeds."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from simulator.app import Credentials, VendorApi
from simulator.basketball.app import BasketballApi, Keys
from simulator.basketball.recorded import Recorded
from simulator.basketball.season import Season
from simulator.call_log import CallLog
from simulator.clock import Clock, SpedUp
from simulator.recorded import Recorded as RecordedPoll
from simulator.server import Served, run
from simulator.source import DataDirectoryError, Source
from simulator.world import World

KEPT_CALLS = 1_000
"""Of the last minutes. Who wants more of the log asks for it as it grows."""
USER_VARIABLE, SECRET_VARIABLE = "TOUCHLINE_FEED_USER", "TOUCHLINE_FEED_SECRET"
BALLDONTLIE_KEY_VARIABLE = "TOUCHLINE_BALLDONTLIE_KEY"
ODDS_API_KEY_VARIABLE = "TOUCHLINE_ODDS_API_KEY"
FEEDS = ("football", "basketball")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # uvicorn passes on the signal that ended it; the process is to end with 0 all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    user = options.user or os.environ.get(USER_VARIABLE)
    secret = options.secret or os.environ.get(SECRET_VARIABLE)
    credentials = Credentials(user or "", secret or "") if user or secret else None
    try:
        source = _source(options)
        api = VendorApi(source, credentials, Clock(options.now), CallLog(KEPT_CALLS))
        basketball = _basketball(options, api) if "basketball" in options.feeds else None
        run(api, options.port, _announce, basketball, football="football" in options.feeds)
    except DataDirectoryError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"simulator: cannot listen on port {options.port}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--source", choices=["simulated", "recorded"], default="simulated")
    parser.add_argument("--data", type=Path, help="directory of a recorded poll")
    parser.add_argument("--basketball-data", type=Path, help="directory of recorded NBA answers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--matches", type=_positive, help="matches in every live list")
    parser.add_argument("--user", help=f"credentials to ask for; prefer {USER_VARIABLE}")
    parser.add_argument("--secret", help=f"prefer {SECRET_VARIABLE}: process lists show arguments")
    parser.add_argument("--now", type=_moment, help="freeze the clock at this ISO time")
    parser.add_argument("--feeds", type=_feeds, default=FEEDS, help="some of: " + ",".join(FEEDS))
    parser.add_argument(
        "--speedup", type=_speedup, default=1.0, help="how fast basketball's clock catches up"
    )
    parser.add_argument(
        "--anchor", type=_moment, help="when it has caught up with the system's; else the start"
    )
    return parser


def _source(options: argparse.Namespace) -> Source:
    if options.source == "simulated":
        return World(options.seed, options.matches)
    if options.data is None:
        raise DataDirectoryError(Path("."), "--source recorded needs --data DIR")
    return RecordedPoll(options.data)


def _basketball(options: argparse.Namespace, api: VendorApi) -> BasketballApi:
    keys = Keys(
        os.environ.get(BALLDONTLIE_KEY_VARIABLE, ""), os.environ.get(ODDS_API_KEY_VARIABLE, "")
    )
    clock = SpedUp(options.anchor or datetime.now(UTC), options.speedup, api.clock)
    data = options.basketball_data
    source = Recorded(data) if data else Season(options.seed)
    return BasketballApi(source, keys, clock, api.log)


def _feeds(text: str) -> tuple[str, ...]:
    feeds = tuple(text.split(","))
    if not set(feeds) <= set(FEEDS):
        raise argparse.ArgumentTypeError(f"feeds are {','.join(FEEDS)}")
    return feeds


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _speedup(text: str) -> float:
    speedup = float(text)
    if not 1 <= speedup < float("inf"):
        raise argparse.ArgumentTypeError("must be above 0")
    return speedup


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _announce(served: Served) -> None:
    announced = {"url": served.url, "control": served.control_url}
    if served.basketball:
        announced["balldontlie_url"] = served.balldontlie_url
        announced["odds_api_url"] = served.odds_api_url
    print(json.dumps(announced), flush=True)


if __name__ == "__main__":
    sys.exit(main())
