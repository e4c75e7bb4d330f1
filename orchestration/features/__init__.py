"""Features of people as they were on a day. What they are is `features.people`, a dbt model."""
