"""The worker process: its supervisor, its session and its local queue."""
