"""References such as ``${env:NAME}`` become values, late, and never in a plan, log or error."""
