"""The map of the house: its wings, each of which may look only at those before it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "hsig"
WINGS = (
    "formulas",
    "activations",
    "networks",
    "engines",
    "experiments",
    "config",
    "analysis",
    "reports",
    "runs",
    "figures",
    "output",
    "results",
    "cli",
)
NUMERIC = WINGS[: WINGS.index("analysis") + 1]
BELOW_ALL = {"arrays", "errors", "escaping", "files"}
AT_THE_TOP = {"__init__", "__main__", *BELOW_ALL}
# the packages of others, and the wings that may import them
OTHERS = {
    "numpy": {*NUMERIC, "reports", "runs", "figures", "results"},
    "matplotlib": {"figures", "results"},
    "yaml": {"config"},
    "rich": {"output", "cli"},
    "typer": {"cli"},
}
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def imported(module):
    """What a file imports, anywhere in it, by its full name; and the names of what it uses."""
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found, {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def in_wing(*wings):
    return [module for module in MODULES if module.partition("/")[0] in wings]


def test_at_the_top_stand_the_wings_and_few_files():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == set(WINGS)
    assert {path.stem for path in PACKAGE.glob("*.py")} <= AT_THE_TOP


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_says_what_comes_in_and_what_goes_out(wing):
    told = ast.get_docstring(ast.parse((PACKAGE / wing / "__init__.py").read_text("utf-8")))
    assert all(word in told for word in ("In: ", "Out: ", "To import: "))


@pytest.mark.parametrize("module", in_wing(*WINGS))
def test_a_wing_imports_only_those_before_it(module):
    wing = module.partition("/")[0]
    for name in imported(module)[0]:
        first, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if first == "hsig" and other in WINGS:
            assert WINGS.index(other) <= WINGS.index(wing), name
        elif first == "hsig":
            assert other in {*BELOW_ALL, "__version__"}, name
        elif first in OTHERS:
            assert wing in OTHERS[first], name


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
    seen = set()

    def visit(module, path):
        assert module not in path, f"{' > '.join(path)} > {module}"
        if module not in seen:
            for other in {module_of(name) for name in imported(module)[0]} - {None, module}:
                visit(other, [*path, module])
            seen.add(module)

    for module in in_wing(*WINGS):
        visit(module, [])


@pytest.mark.parametrize("module", [m for m in in_wing(*NUMERIC) if not m.startswith("config/")])
def test_the_numeric_core_has_no_path_no_print_and_no_clock(module):
    found, names = imported(module)
    assert not names & {"print", "open", "Path"}
    modules = {name.partition(".")[0] for name in found}
    assert not modules & {"time", "random", "pathlib", "datetime"}


def test_nothing_draws_from_numpys_global_state():
    for module in MODULES:
        text = (PACKAGE / module).read_text(encoding="utf-8")
        assert "np.random." not in text.replace("np.random.RandomState(0)", "")


def test_the_package_is_typed():
    assert (PACKAGE / "py.typed").exists()
