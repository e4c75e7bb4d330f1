"""Activation: plan what a destination lacks, send it, record what it acknowledged. What is sent is a dbt model."""
