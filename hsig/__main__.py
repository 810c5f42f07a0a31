"""`python -m hsig`."""

from hsig.cli import main

main()
