"""What oplake remembers between commands: last-applied resources, journals, locks, runs and job checkpoints."""
