"""`python -m kvlab`."""

from kvlab.cli import main

main()
