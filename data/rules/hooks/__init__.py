"""What a delivery means, whether it starts a run, and how many may come."""
