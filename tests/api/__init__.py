"""The service: real state, real lake, real MongoDB protocol."""
