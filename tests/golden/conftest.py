"""The scripts that recorded the frameworks are no tests: the frameworks are not installed."""

collect_ignore = ["make_activations.py", "make_optimizers.py"]
