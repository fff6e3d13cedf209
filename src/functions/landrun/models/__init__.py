"""What the application speaks of: events, runs and records, as typed values."""
