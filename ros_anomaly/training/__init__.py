"""Closed-set training, fine-tuning with negatives, calibration."""
