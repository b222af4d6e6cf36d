"""Alert rules, one file a rule: a file here with a `RULE` gets its asset by itself."""
