"""What is trained has the bits that it had, or the version of the numerics is another."""

import json

import pytest
from golden_bits import FILES, cases, golden

from hsig.engines import compiled
from hsig.engines.engine import NUMERICS

KEPT = {name: json.loads(file.read_text("utf-8")) for name, file in FILES.items()}
PATHS = compiled.instruction_sets() or (None,)


def test_all_that_is_kept_is_of_these_numerics():
    found = {kept["numerics"] for kept in KEPT.values()}
    assert found == {NUMERICS}, "run: python tests/golden_bits.py"


@pytest.mark.parametrize(
    ("engine", "path"),
    [("reference", None), *(("compiled", path) for path in PATHS)],
)
def test_all_that_could_be_trained_is_what_it_was(monkeypatch, engine, path):
    if engine == "compiled":
        monkeypatch.setattr(compiled, "instruction_sets", lambda: (path,))
    # every other or third has each slope; the instruction sets take turns
    place, every = (0, 2) if engine == "reference" else (PATHS.index(path), min(len(PATHS) + 1, 3))
    found, all_names = golden(engine, place, every), {name for name, *_ in cases(engine)}
    for name, file in KEPT.items():
        assert {key for key in file[name] if key.startswith(engine)} == all_names
        assert len(found[name]) >= len(all_names) // every > 10
        changed = [key for key, value in found[name].items() if file[name][key] != value]
        assert not changed, (
            f"the {name} of {', '.join(changed)} changed: "
            "if these are bits, raise hsig.engines.engine.NUMERICS; run python tests/golden_bits.py"
        )
