"""Queues, agents, skills and switchboards."""
