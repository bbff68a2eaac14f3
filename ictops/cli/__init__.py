"""What a person sees: parse, call one operation, show the result."""
