"""Typed values: events, runs and records."""
