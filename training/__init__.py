"""What makes the models that Local Swarm ships."""
