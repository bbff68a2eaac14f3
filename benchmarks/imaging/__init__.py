"""What imaging reaches, and what others reach beside it."""
