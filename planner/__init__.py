"""Who can walk to a public station in fifteen minutes, how well each serves, and where the next ones go."""
