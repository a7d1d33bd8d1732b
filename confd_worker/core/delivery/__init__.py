"""Jobs that tell others what was committed; one process does each, the others stand by."""
