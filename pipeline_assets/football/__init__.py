"""Football: every live match and its odds, once a minute."""
