"""A stand-in for the football vendor's API over real HTTP, for development, tests and replays."""
