"""Do the tests notice when code breaks? Small errors are put into it one at a time."""
