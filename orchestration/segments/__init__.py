"""Segments: rules in YAML compiled to SQL, and who is in which segment since when. Dagster's view is in `defs`."""
