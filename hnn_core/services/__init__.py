"""Outside services: where they are, and one careful way to ask them."""
