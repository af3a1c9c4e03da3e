"""`python -m local_swarm` is `local-swarm`."""

from .cli import main

if __name__ == "__main__":
    main()
