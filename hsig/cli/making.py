"""How commands are made: one by one, when they are asked for, and of what was typed.

Typer makes every command before it runs one, and has Pydantic convert every value, also those that
nobody gave. Here a command is made when its name is typed, and what may be taken as it was typed is
taken so: the rest, and every complaint, is Typer's. Either would take longer than a training.
"""

import inspect
import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, get_args

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

Maker = Callable[[], Any]  # gives a command of Typer's, or a group of them

_MARKUP: Any = "markdown"


def _taken(param: Any, ctx: Any, value: Any, otherwise: Callable[[Any, Any], Any]) -> Any:
    """The value of a parameter: as it was typed, if at all, where that is no matter for Typer."""
    several = param.multiple or param.nargs == -1
    if value is None and not param.required:
        return () if several else None
    kind = ctx.command.kinds.get(param.name)
    typed = bool(value) if several else isinstance(value, str)
    if kind is not None and param.callback is None and typed:
        try:
            return [kind(text) for text in value] if several else kind(value)
        except ValueError:
            pass  # Typer knows what to say of it
    return otherwise(ctx, value)


class _Option(TyperOption):
    def process_value(self, ctx: Any, value: Any) -> Any:
        return _taken(self, ctx, value, super().process_value)


class _Argument(TyperArgument):
    def process_value(self, ctx: Any, value: Any) -> Any:
        return _taken(self, ctx, value, super().process_value)


_OURS: dict[type, type] = {TyperOption: _Option, TyperArgument: _Argument}


class _TakesAsTyped:
    """What commands and groups have in common.

    Attributes:
        kinds: For a parameter by its name, what makes a value of a text, or raises `ValueError`.
    """

    kinds: Mapping[str, Callable[[str], object]] = {}

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters; Typer makes them, and cannot be told of which class."""
        # the class that this is mixed into has it
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            param.__class__ = _OURS.get(type(param), type(param))
        return params

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help.

        Raises:
            RunError: If stdout cannot be written.
        """
        from hsig.output.streams import writing_out

        with writing_out():
            # as above
            super().format_help(ctx, formatter)  # type: ignore[misc]


class Command(_TakesAsTyped, TyperCommand):
    """A command."""


class Group(_TakesAsTyped, TyperGroup):
    """A group of commands, each of which is made when it is asked for.

    Attributes:
        makers: Of each command, by its name.
    """

    makers: ClassVar[Mapping[str, Maker]] = {}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        names: dict[str, Any] = dict.fromkeys(self.makers)
        self.commands = names  # of which Typer suggests the nearest to a wrong one

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in their order."""
        del ctx
        return [*self.makers]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; None if there is none."""
        del ctx
        make = self.makers.get(cmd_name)
        return None if make is None else make()


def group_of(makers: Mapping[str, Maker]) -> type[Group]:
    """The class of a group of some commands."""
    return type("CommandsOf", (Group,), {"makers": makers})


def later(module: str, name: str) -> Maker:
    """What makes a command by a maker in a module that is imported only then."""
    return lambda: getattr(import_module(f"hsig.cli.{module}"), name)()


def make_command(
    function: Callable[..., None], name: str, cls: type[Command], *, epilog: str
) -> Any:
    """The command that calls a function, of which each parameter is annotated for Typer."""
    app = typer.Typer(add_completion=False, rich_markup_mode=_MARKUP)
    app.command(name, cls=cls, epilog=epilog)(function)
    made: Any = get_command(app)
    parameters = inspect.signature(function).parameters.values()
    made.kinds = {p.name: kind for p in parameters if (kind := _kind(p.annotation))}
    return made


def make_group(name: str, told: str, makers: Mapping[str, Maker]) -> Any:
    """A group of commands below that of all."""
    app = typer.Typer(
        name=name,
        cls=group_of(makers),
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=_MARKUP,
    )
    app.callback(help=told)(lambda: None)
    return get_command(app)


def _kind(annotation: Any) -> Callable[[str], object] | None:
    """What makes a value of a text; None if that is left to Typer."""
    kind = getattr(annotation, "__origin__", None)  # the context has none
    if isinstance(kind, UnionType):
        kind = get_args(kind)[0]  # the other is None
    plain: dict[Any, Callable[[str], object]] = {str: str, list[str]: str, Path: _path}
    return plain.get(kind, kind if isinstance(kind, type) and issubclass(kind, StrEnum) else None)


def _path(text: str) -> Path:
    from hsig.config.text import is_there

    path = Path(text)
    if is_there(path) and not os.access(path, os.R_OK):
        raise ValueError(text)
    return path
