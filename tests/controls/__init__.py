"""Negative controls against real clients and a real little target."""
