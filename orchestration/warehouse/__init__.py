"""The one door to the engine: connect, run SQL, bulk read and write, publish. No business logic."""
