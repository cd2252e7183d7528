"""Few labels: a task, every method on it, and the page that holds them against each other."""
