"""Lines: what joins users, endpoints and extensions."""
