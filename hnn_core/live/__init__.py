"""From the services to this machine: fetching, watching, building, and what is here already."""
