"""How a report speaks of each task: a file a task."""
