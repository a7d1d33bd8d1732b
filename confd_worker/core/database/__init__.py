"""What a worker process holds of PostgreSQL: connections, prepared statements, sessions."""
