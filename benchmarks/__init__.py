"""What ictops must reach, measured beside its rivals: ``python -m benchmarks.NAME``."""
