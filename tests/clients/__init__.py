"""Real editors, agents and libraries against a real node; see `scripts/clients`."""
