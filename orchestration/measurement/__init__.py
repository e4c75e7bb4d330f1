"""What was reported, kept; figures themselves are dbt models."""
