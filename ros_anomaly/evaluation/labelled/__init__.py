"""Labelled frames through engines and scores: the benchmark side of evaluation."""
