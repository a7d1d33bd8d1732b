"""Groups, voicemails and other features of calls."""
