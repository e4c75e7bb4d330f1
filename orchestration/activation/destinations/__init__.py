"""One module a destination: what it can do (`CAPABILITIES`, `canonical`) and how it is spoken to (`connect`)."""
