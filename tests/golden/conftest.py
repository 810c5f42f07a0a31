"""The script that recorded the frameworks is no test: its frameworks are not installed here."""

collect_ignore = ["make_activations.py"]
