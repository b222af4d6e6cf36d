"""Losses and their repair: `survey` looks, `planning` decides, `work` does what was planned."""
