"""What conformed tables need beyond SQL: reading the messages that customers write. All else is in the dbt models."""
