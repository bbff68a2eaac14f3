"""What runs on a PC that is imaged: it asks for its job, writes, verifies, adapts and reports."""
