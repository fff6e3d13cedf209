"""The report: the ledger as one HTML file to look at, which needs no network."""
