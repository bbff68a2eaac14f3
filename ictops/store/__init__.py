"""The journal: every decision before it is acted on, every event as it comes."""
