"""Figures in which time counts: latency, temporal consistency, and when each object was known."""
