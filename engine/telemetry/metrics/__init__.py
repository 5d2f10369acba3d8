"""Health and metrics of workers, over HTTP."""
