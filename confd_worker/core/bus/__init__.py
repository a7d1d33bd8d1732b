"""What a worker process holds of RabbitMQ."""
