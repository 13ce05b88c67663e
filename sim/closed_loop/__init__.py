"""Drives that react to what the detector says: drivers, runs, and what became of them."""
