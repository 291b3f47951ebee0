"""What waits for a service to say that something is there."""
