"""Lambda entry points: parse, act, return."""
