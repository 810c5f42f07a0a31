"""The entry point, as `hsig` or `python -m hsig`: signals are handled before all is imported."""

from hsig.output.signals import end, handle_signals


def main() -> None:
    """Run the command line, and exit."""
    handle_signals()
    from hsig.cli.app import main as run_command_line

    try:
        run_command_line()
    except SystemExit as ended:
        end(ended.code)


if __name__ == "__main__":
    main()
