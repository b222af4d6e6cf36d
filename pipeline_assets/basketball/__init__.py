"""The NBA feed: box scores, the calendar, rosters and injuries."""
