"""Any person table resolved without labels, by the same engine as the pipeline: what `tessera link` does.

`read` brings a file in, `roles` says which column is what (`column_names` knows usual names, `facts` looks at values),
`contacts` makes the engine's input of it (`dates` reads birth dates), `run` does it all and writes the answer with ids
from `seeds`, `report` shows it (`charts` draws), `compare` tells where two answers differ. No warehouse, no state.
"""
