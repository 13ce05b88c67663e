"""One thin module an executable."""
