"""Incidents as issues: which are due, and what they say."""
