"""What the Kafka transport can do on this machine, beside its limits and a peer."""
