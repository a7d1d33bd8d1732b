"""From an AMQP message to a method, and back."""
