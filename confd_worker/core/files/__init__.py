"""Resources whose content is a file."""
