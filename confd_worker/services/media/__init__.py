"""Music on hold, sounds and recordings."""
