"""What the author of a Dag wrote for a task: how it is read, what is wrong with it, and what it becomes when the task runs."""
