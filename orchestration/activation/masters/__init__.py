"""One master per attribute: the registry compiled with contracts and syncs, so that no two systems chase each other.

| Module | Holds |
|---|---|
| `document` | the registry as a file: what it says and in which line |
| `places` | the fields that are read and the fields that are written, as contracts and syncs name them |
| `graph` | what a value comes from and goes to; loops in it |
| `rules` | what may not be, each finding with its line |
| `compiled` | all of it at once, and which syncs may not run |
| `lineage` | columns of dbt models back to source fields |
| `agreement` | whether that SQL and the registry say the same |
| `changes` | what an edit of the registry must keep |
| `telling` | the registry as text |
"""
