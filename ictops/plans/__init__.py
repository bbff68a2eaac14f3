"""The plan as data and as a file that a person can read."""
