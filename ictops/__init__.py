"""ictops: run the ICT of a cluster of schools from one place."""

__version__ = "0.1.0"
