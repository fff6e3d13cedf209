"""What changes something on a stack: start, rerun, redrive, backfill, build an image."""
