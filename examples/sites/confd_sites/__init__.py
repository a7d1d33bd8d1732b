"""Sites: where a company's telephones are."""
