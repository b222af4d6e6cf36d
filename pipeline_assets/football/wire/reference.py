"""Teams, competitions and countries: what merging needs of them, and every documented field."""

from __future__ import annotations

import msgspec

from pipeline_assets.football.wire.fields import NULL, FieldReader, Int64


class Named(msgspec.Struct, frozen=True):
    """What a match shows of a team, competition or country, as received.

    `uid` is the id that survives where the vendor merged duplicates.
    """

    id: str
    name: str | None = None
    short_name: str | None = None
    logo: str | None = None
    country_id: str | None = None
    competition_id: str | None = None
    category_id: str | None = None
    uid: str | None = None


class Team(msgspec.Struct, frozen=True):
    """A team as received: an empty text is unknown."""

    id: str
    competition_id: str | None = None
    country_id: str | None = None
    name: str | None = None
    short_name: str | None = None
    logo: str | None = None
    national: Int64 | None = None
    country_logo: str | None = None
    foundation_time: Int64 | None = None
    website: str | None = None
    coach_id: str | None = None
    venue_id: str | None = None
    market_value: Int64 | None = None
    market_value_currency: str | None = None
    total_players: Int64 | None = None
    foreign_players: Int64 | None = None
    national_players: Int64 | None = None
    virtual: Int64 | None = None
    gender: Int64 | None = None
    updated_at: Int64 | None = None
    uid: str | None = None


class TitleHolder(msgspec.Struct, frozen=True, array_like=True):
    """Who holds the title, for the how-manieth time; both null where nobody is named."""

    team_id: str | None = None
    titles: Int64 | None = None


class MostTitles(msgspec.Struct, frozen=True, array_like=True):
    """The teams with the most titles, and how many."""

    team_ids: list[str] = []
    titles: Int64 | None = None


class Competition(msgspec.Struct, frozen=True):
    """A competition as received: an empty text is unknown."""

    id: str
    category_id: str | None = None
    country_id: str | None = None
    name: str | None = None
    short_name: str | None = None
    logo: str | None = None
    type: Int64 | None = None
    cur_season_id: str | None = None
    cur_stage_id: str | None = None
    cur_round: Int64 | None = None
    round_count: Int64 | None = None
    title_holder: TitleHolder = TitleHolder()
    most_titles: MostTitles = MostTitles()
    newcomers: list[list[str]] = []
    divisions: list[list[str]] = []
    host: msgspec.Raw = NULL
    gender: Int64 | None = None
    primary_color: str | None = None
    secondary_color: str | None = None
    updated_at: Int64 | None = None
    uid: str | None = None


class Country(msgspec.Struct, frozen=True):
    """A country as received."""

    id: str
    category_id: str | None = None
    name: str | None = None
    logo: str | None = None
    updated_at: Int64 | None = None


read_named = FieldReader(Named)
read_team = FieldReader(Team)
read_competition = FieldReader(Competition)
read_country = FieldReader(Country)
