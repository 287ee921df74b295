"""Reading many scans, on all cores or on a cluster, into a table."""
