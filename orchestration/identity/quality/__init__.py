"""How good the people are that were found, measured after each run without labels and, where there are some, with.

`limits` declares what is measured and how much is too much, `pairs` weighs pairs anew, `measures`, `symptoms` and
`labelled` count, `history` keeps every run's figures and serves them.
"""
