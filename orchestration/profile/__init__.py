"""Golden profiles over time. How a value survives is `profile.attributes`, a dbt model."""
