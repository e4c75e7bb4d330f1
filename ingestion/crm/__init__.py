"""Customer relationship systems: the people and companies that sales knows."""
