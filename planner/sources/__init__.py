"""Everything that reads or fetches: study files and tables, street networks, populations."""
