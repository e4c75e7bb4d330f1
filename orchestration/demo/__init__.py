"""The demo: a generated population, its sources as they would speak, and the truth to measure against."""
