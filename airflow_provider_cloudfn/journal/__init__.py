"""What a try of a task leaves for the next one: what was sent, what came back, and how far it got."""
