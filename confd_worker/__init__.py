"""The configuration daemon of a telephony platform, as a message-driven worker."""

from importlib.metadata import version

__version__ = version("confd-worker")
