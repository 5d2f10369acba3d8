"""What oplake remembers between commands: last-applied resources, journals, locks and job checkpoints."""
