"""How items are read, listed, loaded and found."""
