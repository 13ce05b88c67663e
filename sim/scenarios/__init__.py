"""What a closed-loop run drives through: scenario files, their schema, and the standard suite."""
