"""What is trained has the bits that it had, or the version of the numerics is another."""

import json

import pytest
from golden_bits import FILES, golden

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
    # of the slower engine every other: each activation, and each slope
    every = 2 if engine == "reference" else 1 if path in (None, PATHS[0]) else 5
    found = golden(engine, every)
    for name, file in KEPT.items():
        kept = {key for key in file[name] if key.startswith(engine)}
        assert len(kept) >= 30
        assert kept == set(found[name]) if every == 1 else kept > set(found[name])
        changed = [key for key, value in found[name].items() if file[name][key] != value]
        assert not changed, (
            f"the {name} of {', '.join(changed)} changed: "
            "if these are bits, raise hsig.engines.engine.NUMERICS; run python tests/golden_bits.py"
        )
