"""The live board: every live match of football on one page that keeps itself up to date."""
