"""What Prometheus is told of the service: its requests, its jobs, and what reconciliations have found."""
