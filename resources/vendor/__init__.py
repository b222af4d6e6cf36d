"""What every vendor's client rests on: HTTP, request budgets, a cache of answers."""
