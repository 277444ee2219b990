"""`python -m quorate`."""

from .cli.app import main

main()
