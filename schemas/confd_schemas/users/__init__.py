"""Users and what is theirs."""
