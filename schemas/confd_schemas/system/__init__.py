"""Tenants, the daemon itself, and sections of Asterisk's configuration."""
