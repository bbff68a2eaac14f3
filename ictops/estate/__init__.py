"""The inventory as typed data."""
