"""Scores of the people in the warehouse: learned by one job, spoken by every run, measured beside plain rules.

One module a score; what they share is in `learned`, where models are kept in `models`, and the two runs in `run`.
"""
