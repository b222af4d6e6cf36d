"""The clients of the two services: balldontlie and The Odds API."""
