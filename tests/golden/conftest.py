"""The scripts that recorded the frameworks are no tests: the frameworks are not installed."""

collect_ignore_glob = ["make_*.py"]
