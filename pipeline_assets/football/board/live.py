"""The board as a server asks for it: what it shows, what is new, and the lines of a match."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from pipeline_assets.football.board.lines import LineBook
from pipeline_assets.football.board.page import Board, Filter, lines_html
from pipeline_assets.football.board.reader import Reader
from resources.site import Site
from touchline.brought import LiveBoard
from touchline.errors import Bad, Unavailable
from touchline.stage import describe

log = logging.getLogger(__name__)


def live_board(site: Site) -> LiveBoard:
    reader, book = Reader(site), LineBook(site)

    def read(board: Board) -> Board:
        try:
            return board.after(reader.read())
        except Exception as error:
            # A defect of ours; the viewers must not take what is shown for the state of now.
            log.exception("the board could not be made")
            return board.after(replace(board.seen, trouble=f"a defect: {describe(error)}"))

    def lines(board: Board, query: Mapping[str, str]) -> tuple[str, int]:
        row, fetch = board.rows.get(query.get("match", "")), board.seen.fetch
        if row is None or fetch is None or row.match.company_id is None:
            return '<div class="lines muted">No odds are known.</div>', 404
        try:
            markets = book.markets(row.match.match_id, row.match.company_id, fetch)
        except (Bad, Unavailable):
            return '<div class="lines muted">The odds cannot be read just now.</div>', 503
        return lines_html(row.match, markets, fetch), 200

    return LiveBoard(Board(), read, chosen, {"/lines": lines})


def chosen(query: Mapping[str, str]) -> Filter:
    return Filter(query.get("status", ""), query.get("league", ""), query.get("search", ""))
