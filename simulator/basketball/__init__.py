"""The NBA services: a season from a seed, or recorded answers, as the vendors give them."""
