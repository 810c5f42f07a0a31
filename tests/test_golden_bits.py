"""What is trained has the bits that it had, or the version of the numerics is another."""

import json

import pytest
from golden_bits import FILE, golden_bits

from hsig.engines import NUMERICS, compiled

KEPT = json.loads(FILE.read_text("utf-8"))
PATHS = compiled.instruction_sets() or (None,)


def test_the_bits_that_are_kept_are_of_these_numerics():
    assert KEPT["numerics"] == NUMERICS, "run: python tests/golden_bits.py"


@pytest.mark.parametrize(
    ("engine", "path"),
    [("reference", None), *(("compiled", path) for path in PATHS)],
)
def test_all_that_could_be_trained_has_the_bits_that_it_had(monkeypatch, engine, path):
    if engine == "compiled":
        if not compiled.is_here():
            pytest.skip("the kernel was not built here")
        monkeypatch.setattr(compiled, "instruction_sets", lambda: (path,))
    found = golden_bits(engine)
    kept = {name: bits for name, bits in KEPT["bits"].items() if name.startswith(engine)}
    assert len(kept) >= 30
    changed = [name for name, bits in kept.items() if found.get(name) != bits]
    assert not changed, (
        f"the bits of {', '.join(changed)} changed: "
        "raise hsig.engines.NUMERICS and run python tests/golden_bits.py"
    )
