"""What ``ros-anomaly-benchmark`` can time: one module a subject."""
