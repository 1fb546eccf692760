"""The made district: an invented island district with streets, towns, people, stations and hosts; see data/README.md."""
