"""Recorded drives through the detector and the hazard monitor, on the recording's own clock."""
