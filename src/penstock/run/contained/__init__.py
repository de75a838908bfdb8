"""Tasks in containers: what runs on both sides of the container's wall, and what is done when a container is left."""
