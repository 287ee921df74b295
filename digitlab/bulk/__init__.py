"""Reading many scans, on all cores or on a cluster, to a table."""
