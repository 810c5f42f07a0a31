"""The scripts that recorded the frameworks are no tests: their frameworks are not installed here."""

collect_ignore = ["make_activations.py", "make_optimizers.py"]
