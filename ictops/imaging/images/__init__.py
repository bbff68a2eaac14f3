"""The images that the control box has: made, kept, published, looked after."""
