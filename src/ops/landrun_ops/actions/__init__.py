"""Actions that change a stack: start, redrive, backfill, build an image."""
