"""Everything that people are shown: pages, and the figures in them."""
