"""Deliveries from outside: whether they are genuine, and the Prefect runs that they start."""
