"""The demonstration: processes, recorder, report."""
