"""Pairs that a steward should look at, and the answers: `queue` chooses, `sheet` is the CSV, `labels` keeps answers."""
