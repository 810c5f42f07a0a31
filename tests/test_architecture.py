"""The map of the house: its wings, each of which may import only those before it."""

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "hsig"
WINGS = (
    *("formulas", "activations", "networks", "engines", "experiments", "config", "analysis"),
    *("reports", "runs", "figures", "output", "results", "cli"),
)
NUMERIC = WINGS[: WINGS.index("analysis") + 1]
BELOW_ALL = {"arrays", "errors", "escaping", "files"}
# the packages of others, and the wings that may import them
OTHERS = {
    "numpy": {*NUMERIC, "reports", "runs", "figures", "results"},
    "matplotlib": {"figures", "results"},
    "jinja2": {"output"},
    "distributed": {"experiments"},
    "yaml": {"config"},
    "rich": {"output", "cli"},
    "typer": {"cli"},
}
MAX_LINES = 600
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@cache
def parse(module):
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"))


def imported(module):
    """The full names of all that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(parse(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules_of(*wings):
    return [module for module in MODULES if module.partition("/")[0] in wings]


def test_at_the_top_are_the_wings_and_few_files():
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(WINGS)
    files = {path.stem for path in PACKAGE.glob("*.py")}
    assert files == {"__init__", "__main__", *BELOW_ALL}


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_says_what_it_is_and_imports_only_those_before_it(wing):
    docstring = ast.get_docstring(parse(f"{wing}/__init__.py"))
    assert all(word in docstring for word in ("In: ", "Out: ", "To import: "))
    allowed = {*WINGS[: WINGS.index(wing) + 1], *BELOW_ALL, "__version__"}
    for module in modules_of(wing):
        for name in imported(module):
            package, _, rest = name.partition(".")
            if package == "hsig":
                assert rest.partition(".")[0] in allowed, f"{module}: {name}"
            else:
                assert wing in OTHERS.get(package, {wing}), f"{module}: {name}"


def module_of(name):
    """The file that an imported name is in, or is; None if it is not one of hsig."""
    steps = name.split(".")[1:] if name.startswith("hsig.") else []
    for end in (len(steps), len(steps) - 1):
        path = "/".join(steps[:end])
        for module in (f"{path}.py", f"{path}/__init__.py"):
            if path and module in MODULES:
                return module
    return None


def test_imports_make_no_circle():
    done = set()

    def visit(module, path):
        assert module not in path, f"{' > '.join(path)} > {module}"
        if module not in done:
            for other in {module_of(name) for name in imported(module)} - {None, module}:
                visit(other, [*path, module])
            done.add(module)

    for module in modules_of(*WINGS):
        visit(module, [])


def test_no_file_is_too_long():
    lengths = {module: (PACKAGE / module).read_text("utf-8").count("\n") for module in MODULES}
    assert {module: lines for module, lines in lengths.items() if lines > MAX_LINES} == {}


def test_the_numeric_core_has_no_path_no_print_no_clock_and_no_chance_of_its_own():
    for module in modules_of(*NUMERIC):
        names = {node.id for node in ast.walk(parse(module)) if isinstance(node, ast.Name)}
        packages = {name.partition(".")[0] for name in imported(module)}
        if not module.startswith("config/"):
            assert not names & {"print", "open", "Path"}, module
            assert not packages & {"time", "random", "pathlib", "datetime"}, module
    for module in MODULES:
        text = (PACKAGE / module).read_text(encoding="utf-8")
        assert "np.random." not in text.replace("np.random.RandomState(0)", ""), module


def test_the_package_is_typed():
    assert (PACKAGE / "py.typed").exists()
