"""What YAML documents become in Dagster: segments and syncs. The rules themselves live with their stage."""
