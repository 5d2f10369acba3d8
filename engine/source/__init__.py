"""Where changes come from: every source yields batches and positions."""
