"""Lines, endpoints, transports and devices."""
