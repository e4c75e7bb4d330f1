"""Why two records are one person or two, and what holds a person together: evidence for a steward. Writes nothing.

`evidence` weighs pairs again with the model in use, `served` reads what the last run left, `pair` and `person` put
the two together, `words` and `waterfall` show it.
"""
