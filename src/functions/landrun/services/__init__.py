"""What the application does: start, collect, record, limit, reconcile."""
