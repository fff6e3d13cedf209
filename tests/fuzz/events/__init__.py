"""Hostile events, keys, summaries and causes, at the functions as they are deployed."""
