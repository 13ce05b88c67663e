"""Anomaly scores: pure functions of class and mask logits, a registry by name, mask to pixel aggregation."""
