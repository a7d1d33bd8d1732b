"""What every plugin stands on; knows no plugin."""
