"""Score map to regions (stateless), and the monitor that says what may be trusted (all state)."""
