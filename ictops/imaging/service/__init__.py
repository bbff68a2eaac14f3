"""What runs on a boot server: it gives each PC its job, once, and keeps what it says."""
