"""The configuration daemon of a telephony platform, as a message-driven worker."""
