"""Contexts, extensions, and where calls go."""
