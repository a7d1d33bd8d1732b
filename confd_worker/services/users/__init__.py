"""Users: the service, and their import from and export to CSV."""
