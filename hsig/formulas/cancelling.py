"""Formulas rewritten so that nothing cancels far from 0, for tight enclosures there.

A formula becomes a sum of products of atoms: x, and what no rule opens. Sums, products, powers and
quotients are multiplied out with exact coefficients, quotients are divided with remainder, and what
approaches a line is split into the line and the rest: softplus(u) = u + softplus(-u). All of these
are identities; the side of 0 only says which of them help.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import inf, isqrt

import numpy as np

from hsig.formulas.intervals import enclose
from hsig.formulas.nodes import ONE, ZERO, Node, X, fold, is_number, node, number

Monomial = tuple[tuple[int, int], ...]  # numbers of atoms, ascending, each with its power
Terms = Mapping[Monomial, Fraction]  # coefficients, none of them 0

_MAX_TERMS = 24
_MAX_PRODUCTS = 150  # of two sums of terms
_MAX_BITS = 1000  # of the numerator or denominator of a coefficient
_MAX_POWER = 6
_TURNING = ("softplus", "sigmoid", "tanh", "absolute")  # whose rules depend on a sign
_FAR = 2.0**20  # where signs are looked up
_NEAR = 30.0  # where sizes are compared, of which many overflow farther out


def cancel(root: Node, side: int, *, is_slope: bool = False) -> Node:
    """An equal formula that is tighter to enclose far out, on the right (1) or the left (-1).

    Of a slope only the sign matters: it is brought to a common denominator.

    >>> from hsig.formulas.nodes import format_formula
    >>> from hsig.formulas.parsing import parse
    >>> format_formula(cancel(parse("x/(1 + x)"), 1))
    '1 - 1/(1 + x)'
    """
    algebra = _Algebra(side, is_slope)
    try:
        return algebra.write(fold(root, algebra.open))
    except OverflowError:  # too many terms, or digits
        return root


def _constant(value: Fraction | int) -> Terms:
    return {(): Fraction(value)} if value else {}


def _add(p: Terms, q: Terms, factor: int = 1) -> Terms:
    total = dict(p)
    for monomial, coefficient in q.items():
        total[monomial] = total.get(monomial, Fraction(0)) + factor * coefficient
    return {monomial: c for monomial, c in total.items() if c}


def _multiply_powers(p: Monomial, q: Monomial, sign: int = 1) -> Monomial:
    powers = dict(p)
    for atom, power in q:
        powers[atom] = powers.get(atom, 0) + sign * power
    return tuple(sorted((atom, power) for atom, power in powers.items() if power))


class _Algebra:
    def __init__(self, side: int, is_slope: bool) -> None:
        self.side = side
        self.is_slope = is_slope
        self.atoms: list[Node] = []
        self.sums: dict[int, Terms] = {}  # the atoms that are sums
        self.squares: dict[int, Terms] = {}  # the squares of atoms that are roots

    # --- the terms of a node ---

    def open(self, current: Node, operands: Sequence[Terms]) -> Terms:
        """The terms of a node from those of its operands; if they are too many, it is an atom."""
        try:
            terms = self._expand(current, operands)
        except OverflowError:
            return self._atom(self._rebuild(current, operands))
        bits = [n.bit_length() for c in terms.values() for n in c.as_integer_ratio()]
        if len(terms) <= _MAX_TERMS and max(bits, default=0) <= _MAX_BITS:
            return terms
        return self._atom(self._rebuild(current, operands))

    def _expand(self, current: Node, operands: Sequence[Terms]) -> Terms:
        operation = current.operation
        if is_number(current) and abs(current.number) < inf:
            return _constant(Fraction(current.number))
        if not operands or not (all(operands) or operation in ("add", "subtract", "multiply")):
            return self._atom(self._rebuild(current, operands))
        u, v = operands[0], operands[-1]
        toward = self._direction(u) if operation in _TURNING else 0
        match operation:
            case "add":
                return _add(u, v)
            case "subtract":
                return _add(u, v, -1)
            case "negative":
                return self._scale(u, -1)
            case "multiply":
                return self._multiply(u, v)
            case "divide":
                return self._divide(u, v)
            case "power":
                times = v.get(()) if len(v) == 1 else None
                if times is not None and times.denominator == 1 and abs(times) <= _MAX_POWER:
                    product = _constant(1)
                    for _ in range(abs(int(times))):
                        product = self._multiply(product, u)
                    return product if times > 0 else self._divide(_constant(1), product)
            case "exp":
                return self._exp(u)
            case "sinh" | "cosh":
                sign = 1 if operation == "cosh" else -1
                both = _add(self._exp(u), self._exp(self._scale(u, -1)), sign)
                return self._scale(both, Fraction(1, 2))
            case "softplus" if toward > 0:
                return _add(u, self._call("softplus", self._scale(u, -1)))
            case "sigmoid" if toward > 0:
                return _add(_constant(1), self._call("sigmoid", self._scale(u, -1)), -1)
            case "tanh" if toward:
                tail = self._call("sigmoid", self._scale(u, -2 * toward))
                return self._scale(_add(_constant(1), tail, -2), toward)
            case "absolute" if toward:
                beyond = self._call("maximum", self._scale(u, -toward), {})
                return _add(self._scale(u, toward), beyond, 2)
            case "floor":
                return _add(u, self._call("fraction", u), -1)
            case "sqrt":
                return self._root(u)
        return self._atom(self._rebuild(current, operands))

    def _rebuild(self, current: Node, operands: Sequence[Terms]) -> Node:
        return node(current.operation, *map(self.write, operands)) if operands else current

    def _atom(self, atom: Node) -> Terms:
        if atom not in self.atoms:
            self.atoms.append(atom)
        return {((self.atoms.index(atom), 1),): Fraction(1)}

    def _call(self, operation: str, *operands: Terms) -> Terms:
        return self._atom(node(operation, *map(self.write, operands)))

    def _common(self, terms: Terms) -> Monomial:
        """The factors of all terms; of a slope also all denominators."""
        powers = [dict(monomial) for monomial in terms]
        common = []
        for atom in sorted({atom for each in powers for atom in each}):
            found = [each.get(atom, 0) for each in powers]
            if min(found) > 0 or (self.is_slope and atom in self.sums):
                common.append((atom, min(found)))
            elif max(found) < 0:
                common.append((atom, max(found)))
        return tuple((atom, power) for atom, power in common if power)

    def _scale(self, terms: Terms, factor: Fraction | int) -> Terms:
        return {monomial: Fraction(factor) * c for monomial, c in terms.items()}

    def _multiply(self, p: Terms, q: Terms) -> Terms:
        if len(p) * len(q) > _MAX_PRODUCTS:
            raise OverflowError
        product: Terms = {}
        for left, a in p.items():
            for right, b in q.items():
                monomial = _multiply_powers(left, right)
                whole: Terms = {monomial: a * b}
                for atom, power in monomial:
                    if power > 1 and atom in self.squares:
                        rest = _multiply_powers(monomial, ((atom, 2),), -1)
                        whole = self._multiply({rest: a * b}, self.squares[atom])
                        break
                    if power < -1 and atom in self.squares:
                        rest = _multiply_powers(monomial, ((atom, 2),))
                        whole = self._divide({rest: a * b}, self.squares[atom])
                        break
                product = _add(product, whole)
        return product

    def _exp(self, u: Terms) -> Terms:
        """exp(u), or 1/exp(-u): one atom for both."""
        negative = bool(u) and next(iter(u.values())) < 0
        ((monomial, _),) = self._call("exp", self._scale(u, -1) if negative else u).items()
        return {
            tuple((atom, -power if negative else power) for atom, power in monomial): Fraction(1)
        }

    def _root(self, u: Terms) -> Terms:
        """A root; of a square and a constant, it is line + constant/(root + line)."""
        root = self._call("sqrt", u)
        self.squares[next(iter(root))[0][0]] = u
        ((x, _),) = ((m, c) for m, c in self._atom(X).items())
        square = u.get(_multiply_powers(x, x), Fraction(0))
        above, below = (isqrt(max(n, 0)) for n in square.as_integer_ratio())
        slope = Fraction(above, below)
        if self.is_slope or not slope or slope * slope != square:
            return root
        slope *= self.side
        line = _add(
            self._scale({x: Fraction(1)}, slope), _constant(u.get(x, Fraction(0)) / (2 * slope))
        )
        rest = _add(u, self._multiply(line, line), -1)
        return _add(line, self._divide(rest, _add(root, line))) if set(rest) <= {()} else root

    def _divide(self, p: Terms, q: Terms) -> Terms:
        """A quotient, with what is larger than the remainder far out before it."""
        common = self._common(q)
        inverse = tuple((atom, -power) for atom, power in common)
        rest = {_multiply_powers(m, inverse): c for m, c in q.items()}
        if len(rest) == 1:
            return self._divide_by_root(p, common, *rest.values())
        lead = max(q, key=self._size)
        quotient: Terms = {}
        for _ in range(_MAX_POWER):
            top = max(p, key=self._size, default=())
            step = _multiply_powers(top, lead, -1)
            if not p or self._size(top) < self._size(lead) or any(power < 0 for _, power in step):
                break
            part = {step: p[top] / q[lead]}
            quotient, p = _add(quotient, part), _add(p, self._multiply(part, q), -1)
        ((divisor, _),) = self._atom(self.write(rest)).items()
        self.sums[divisor[0][0]] = rest
        inverse = _multiply_powers(inverse, divisor, -1)
        return _add(quotient, self._multiply(p, {inverse: Fraction(1)}))

    def _divide_by_root(self, p: Terms, q: Monomial, factor: Fraction) -> Terms:
        """A quotient by one product; u/sqrt(v) is sign(u)*sqrt(u**2/v)."""
        roots = [atom for atom, power in q if power == 1 and atom in self.squares]
        if roots and p and not self.is_slope:
            q = _multiply_powers(q, ((roots[0], 1),), -1)
            ratio = self._divide(self._multiply(p, p), self.squares[roots[0]])
            p = self._multiply(self._call("sign", p), self._call("sqrt", ratio))
        inverse = tuple((atom, -power) for atom, power in q)
        return self._multiply(p, {inverse: 1 / factor})

    def _direction(self, terms: Terms) -> int:
        """The sign of what is far out, where it is certain; else 0."""
        x = np.array([self.side * _FAR])
        bounds = enclose(self.write(terms), x, x)
        return int(bounds.low[0] > 0.0) - int(bounds.high[0] < 0.0)

    def _size(self, monomial: Monomial) -> float:
        x = np.array([self.side * _NEAR])
        bounds = enclose(self.write({monomial: Fraction(1)}), x, x)
        return float(np.nan_to_num(max(-bounds.low[0], bounds.high[0])))

    # --- the node of terms ---

    def write(self, terms: Terms) -> Node:
        """A formula with common factors before brackets."""
        if not terms:
            return ZERO
        common = self._common(terms)
        rest = {_multiply_powers(monomial, common, -1): c for monomial, c in terms.items()}
        opened = self._open_sums(rest)
        if opened is not rest:
            return self.write(self._multiply(opened, {common: Fraction(1)}))
        if len(rest) == 1:
            return self._write_product(next(iter(rest.values())), common)
        signs = [sign for monomial in rest for sign in _signs(monomial)]
        shared, positive = max(signs, key=signs.count)
        if signs.count((shared, positive)) == 1:
            parts = [self._write_product(c, monomial) for monomial, c in rest.items()]
        else:
            inner = {m: c for m, c in rest.items() if (shared, positive) in _signs(m)}
            parts = [self.write(inner), self.write(_add(rest, inner, -1))]
        body = parts[0]
        for part in parts[1:]:
            body = node("add", body, part)
        return node("multiply", self._write_product(Fraction(1), common), body) if common else body

    def _open_sums(self, terms: Terms) -> Terms:
        """Multiply out positive powers of sums, so that what cancels is gone."""
        total: Terms = {}
        changed = False
        for monomial, coefficient in terms.items():
            sums = [(atom, power) for atom, power in monomial if power > 0 and atom in self.sums]
            whole: Terms = {_multiply_powers(monomial, tuple(sums), -1): coefficient}
            for atom, power in sums:
                for _ in range(power):
                    whole = self._multiply(whole, self.sums[atom])
            changed = changed or bool(sums)
            total = _add(total, whole)
        return total if changed and len(total) <= _MAX_TERMS else terms

    def _write_product(self, coefficient: Fraction, monomial: Monomial) -> Node:
        above, below = (
            [
                self.atoms[atom]
                if abs(power) == 1
                else node("power", self.atoms[atom], number(abs(power)))
                for atom, power in monomial
                if power * sign > 0
            ]
            for sign in (1, -1)
        )
        factor = _write_coefficient(coefficient)
        top, bottom = (
            _product(factors)
            for factors in (([factor] if factor is not ONE else []) + above, below)
        )
        return top if bottom is ONE else node("divide", top, bottom)


def _signs(monomial: Monomial) -> list[tuple[int, bool]]:
    return [(atom, power > 0) for atom, power in monomial]


def _product(factors: Sequence[Node]) -> Node:
    product = factors[0] if factors else ONE
    for factor in factors[1:]:
        product = node("multiply", product, factor)
    return product


def _write_coefficient(coefficient: Fraction) -> Node:
    """A number, or a sum of two that rounding outwards makes hold the coefficient."""
    first = float(coefficient)
    rest = float(coefficient - Fraction(first))
    if first == 0.0:
        raise OverflowError
    return number(first) if rest == 0.0 else node("add", number(first), number(rest))
