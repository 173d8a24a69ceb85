# SPDX-License-Identifier: Apache-2.0
"""Expressions against an evaluator of their own, written from docs/expressions.md: random trees,
written out with as few parentheses as the table of operators allows, over random records."""

import datetime
import json
import math
import os
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", "build"))
PROGRAM = BUILD / "conformance" / "expressions"
EXPRESSIONS, ROWS = 4000, 60
LEAST, MOST = -(1 << 63), (1 << 63) - 1
DAY = 86400000


class Null:
    """The two nulls: not known, and not to be computed."""

    def __init__(self, fault):
        self.fault = fault

    def __repr__(self):
        return "!" if self.fault else "-"


NULL, FAULT = Null(False), Null(True)


def join(*nulls):
    return FAULT if any(null.fault for null in nulls) else NULL


def is_null(value):
    return isinstance(value, Null)


# ---- records

FIELDS = {"a": "number", "b": "number", "i": "integer", "j": "integer", "f": "condition",
          "g": "condition", "s": "string", "t": "string", "at": "time"}
NUMBERS = [0.0, -0.0, 1.0, -1.0, 1.5, 2.0, -7.25, 100.0, 1e308, -1e308, 5e-324, 0.1, 2.5, -2.5,
           float("nan"), float("inf"), float("-inf"), 9007199254740993.0, 1e19]
INTEGERS = [0, 1, -1, 2, 5, 7, -7, 100, MOST, LEAST, MOST - 1, 1 << 53, (1 << 53) + 1, 1000003]
STRINGS = ["", "JP", "jp", "DE", " Japan ", "été", "日本", "12.5", "-3e2", "1e999", "nan", "x'y",
           'say "hi"', "a\\b", "7", "2026-01-31T18:30:00Z", "2024-02-29", "tab\tend", "aab", "\n"]
TIMES = [0, -1, 1000, 1769884200000, 951782400000, 4102444799999, -62135596800000, DAY * 365]


def random_record(rng, i):
    pools = {"number": NUMBERS, "integer": INTEGERS, "condition": [False, True],
             "string": STRINGS, "time": TIMES}
    record = {}
    for name, kind in FIELDS.items():
        roll = rng.random()
        if kind == "time":
            record[name] = rng.choice(TIMES) if roll < 0.5 else rng.randrange(-10**12, 4 * 10**12)
        elif roll < 0.06:
            record[name] = None
        elif roll < 0.09:
            record[name] = [1]  # of another type
        elif roll >= 0.14:
            record[name] = rng.choice(pools[kind])
            if kind == "number" and rng.random() < 0.4:
                record[name] = rng.gauss(0, 100)
            if kind == "string" and rng.random() < 0.2:
                record[name] = f"user {i % 17} {rng.choice('abc')}"
    return record


def field_value(record, name):
    value = record.get(name)
    return NULL if value is None or isinstance(value, list) else value


# ---- what operators come to

def number_or_fault(value, *operands):
    if math.isfinite(value) or not all(math.isfinite(x) for x in operands):
        return value
    return FAULT


def integer_or_fault(value):
    return value if LEAST <= value <= MOST else FAULT


def plus(a, b):
    return a + b


def minus(a, b):
    return a - b


def times(a, b):
    return a * b


def arithmetic(operation):
    def run(kind, a, b):
        value = operation(a, b)
        return number_or_fault(value, a, b) if kind == "number" else integer_or_fault(value)
    return run


def divide(kind, a, b):
    if b == 0:
        return FAULT
    return number_or_fault(a / b, a, b)


def modulo(kind, a, b):
    if b == 0:
        return FAULT
    if kind == "integer":
        return int(math.copysign(1, a)) * (abs(a) % abs(b)) if a else 0
    return math.fmod(a, b) if not math.isinf(a) else float("nan")


def logic(operation, a, b):
    """Three-valued."""
    if operation == "implies":
        a, operation = (a if is_null(a) else not a), "or"
    decides = operation == "or"
    if a is decides or b is decides:
        return decides
    nulls = [x for x in (a, b) if is_null(x)]
    return join(*nulls) if nulls else not decides


def whole(function):
    def run(x):
        if isinstance(x, int):
            return x
        return integer_or_fault(function(x)) if math.isfinite(x) else FAULT
    return run


def nearest(x):
    below = math.floor(abs(x))
    return int(math.copysign(1, x)) * (below + (abs(x) - below >= 0.5))


def rounded(x, digits):
    scaled = x * 10.0**digits
    if not abs(scaled) < 2.0**52:
        return x
    return math.copysign(nearest(scaled), scaled) / 10.0**digits


def domain(inside, function):
    def run(x):
        if math.isnan(x):
            return x
        if not inside(x):
            return FAULT
        try:
            return number_or_fault(function(x), x)
        except OverflowError:
            return FAULT
    return run


def power(x, y):
    try:
        value = math.pow(x, y)
    except OverflowError:
        return FAULT
    except ValueError:  # 0 to a negative power, a root of a negative number
        return FAULT
    return number_or_fault(value, x, y)


def least_of(greater):
    def run(*values):
        found = values[0]
        for value in values[1:]:
            if found != found:
                break
            if value != value or (value > found if greater else value < found):
                found = value
        return found
    return run


def spelt(text):
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return NULL
    return number_or_fault(float(text))


def time_of(text):
    shapes = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d")
    for shape in shapes:
        try:
            stamp = datetime.datetime.strptime(text, shape)
        except ValueError:
            continue
        return (stamp - datetime.datetime(1970, 1, 1)) // datetime.timedelta(milliseconds=1)
    return NULL


def ascii_case(upper):
    def run(text):
        return "".join((c.upper() if upper else c.lower()) if c.isascii() else c for c in text)
    return run


def moment(ms):
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)


# name: (kinds of arguments, kind of result, function); "number" takes integers too
FUNCTIONS = {
    "floor": (["number"], "integer", whole(math.floor)),
    "ceil": (["number"], "integer", whole(math.ceil)),
    "round": (["number"], "integer", whole(nearest)),
    "sqrt": (["number"], "number", domain(lambda x: x >= 0, math.sqrt)),
    "ln": (["number"], "number", domain(lambda x: x > 0, math.log)),
    "log10": (["number"], "number", domain(lambda x: x > 0, math.log10)),
    "exp": (["number"], "number", domain(lambda x: True, math.exp)),
    "pow": (["number", "number"], "number", power),
    "is_nan": (["number"], "condition", math.isnan),
    "is_finite": (["number"], "condition", math.isfinite),
    "length": (["string"], "integer", len),
    "lower": (["string"], "string", ascii_case(False)),
    "upper": (["string"], "string", ascii_case(True)),
    "trim": (["string"], "string", lambda s: s.strip(" \t\n\v\f\r")),
    "starts_with": (["string", "string"], "condition", str.startswith),
    "ends_with": (["string", "string"], "condition", str.endswith),
    "contains": (["string", "string"], "condition", lambda s, t: t in s),
    "substring": (["string", "integer", "integer"], "string",
                  lambda s, k, n: s[max(k - 1, 0):max(k - 1, 0) + max(n, 0)]),
    "time": (["string"], "time", time_of),
    "year": (["time"], "integer", lambda t: moment(t).year),
    "month": (["time"], "integer", lambda t: moment(t).month),
    "day": (["time"], "integer", lambda t: moment(t).day),
    "weekday": (["time"], "integer", lambda t: moment(t).isoweekday()),
    "hour": (["time"], "integer", lambda t: moment(t).hour),
    "minute": (["time"], "integer", lambda t: moment(t).minute),
    "second": (["time"], "integer", lambda t: moment(t).second),
}
PATTERNS = ["^[A-Z]{2}$", "a+b", "^$", "[0-9]+\\.[0-9]", "(?i)JAPAN", "é.é", "^.$"]


# ---- trees: what they are, how they are written, what they come to

PRECEDENCE = {"implies": 1, "or": 2, "and": 3, "not": 4, "compare": 5, "+": 6, "-": 6, "*": 7,
              "/": 7, "%": 7, "neg": 8, "leaf": 9}


class Node:
    def __init__(self, kind, text, level, value, constant=False):
        self.kind, self.text, self.level, self.value = kind, text, level, value
        self.constant = constant  # a number as it was written

    def within(self, level):
        return self.text if self.level >= level else f"({self.text})"


class Impossible(Exception):
    """A constant that weir refuses, a time beyond Python's."""


class Maker:
    def __init__(self, rng):
        self.rng = rng

    def word(self, word):
        return word.upper() if self.rng.random() < 0.1 else word

    # ---- leaves

    def quote(self, text):
        mark = self.rng.choice("'\"")
        for plain, written in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t")):
            text = text.replace(plain, written)
        doubled = self.rng.random() < 0.5
        return mark + text.replace(mark, mark * 2 if doubled else "\\" + mark) + mark

    def field(self, kind):
        name = self.rng.choice([n for n, k in FIELDS.items() if k == kind])
        text = f"`{name}`" if self.rng.random() < 0.1 else name
        return Node(kind, text, 9, lambda record: field_value(record, name))

    def constant(self, kind):
        rng = self.rng
        if kind == "condition":
            value = rng.random() < 0.5
            return Node(kind, self.word(str(value).lower()), 9, lambda record: value)
        if kind == "string":
            value = rng.choice(STRINGS)
            return Node(kind, self.quote(value), 9, lambda record: value)
        if kind == "integer":
            if rng.random() < 0.1:
                count, unit, ms = rng.choice([(5, "m", 60000), (1, "h", 3600000), (2, "w", 7 * DAY),
                                              (30, "s", 1000), (7, "ms", 1), (3, "d", DAY)])
                return Node(kind, f"{count}{unit}", 9, lambda record: count * ms, True)
            value = rng.choice([0, 1, 2, 3, 7, 10, 100, MOST, 1 << 53])
            return Node(kind, str(value), 9, lambda record: value, True)
        value = rng.choice([0.5, 1.0, 2.5, 1e300, 1e-5, 3.0, 99.9])
        if rng.random() < 0.1:
            return Node(kind, "5%", 9, lambda record: 5 / 100, True)
        return Node(kind, repr(value), 9, lambda record: value, True)

    def leaf(self, kind):
        if kind == "time" or self.rng.random() < 0.65:
            if kind == "time" and self.rng.random() < 0.2:
                return Node(kind, "event_time()", 9, lambda record: record["at"])
            return self.field(kind)
        return self.constant(kind)

    # ---- operators

    def strict(self, kind, text, level, operands, function):
        """Null where an operand is."""
        def value(record):
            values = [operand.value(record) for operand in operands]
            nulls = [x for x in values if is_null(x)]
            return join(*nulls) if nulls else function(*values)
        return Node(kind, text, level, value)

    def call(self, depth, kind):
        names = [n for n, (_, result, _) in FUNCTIONS.items() if result == kind]
        if not names:
            return self.leaf(kind)
        name = self.rng.choice(names)
        kinds, _, function = FUNCTIONS[name]
        arguments = []
        for wanted in kinds:
            if wanted == "number" and self.rng.random() < 0.3:
                wanted = "integer"
            arguments.append(self.make(depth - 1, wanted))
        if name in ("sqrt", "ln", "log10", "exp", "pow", "is_nan", "is_finite"):
            inner = function
            function = lambda *xs: inner(*map(float, xs))
        text = f"{self.word(name)}({', '.join(x.text for x in arguments)})"
        return self.strict(kind, text, 9, arguments, function)

    def sum(self, depth, kind):
        sign = self.rng.choice("+-*/%" if kind == "number" else "+-*%")
        a = self.make(depth - 1, kind if self.rng.random() < 0.8 else "integer")
        b = self.make(depth - 1, kind)
        if kind == "number" and a.kind == b.kind == "integer":
            sign = "/"
        level = PRECEDENCE[sign]
        function = {"+": arithmetic(plus), "-": arithmetic(minus), "*": arithmetic(times),
                    "/": divide, "%": modulo}[sign]
        # What stands on the right of an operator of its own level needs parentheses.
        text = f"{a.within(level)} {sign} {b.within(level + 1)}"

        def run(x, y):
            return function(kind, float(x), float(y)) if kind == "number" else function(kind, x, y)
        return self.strict(kind, text, level, [a, b], run)

    def negated(self, depth, kind):
        a = self.make(depth - 1, kind)
        node = self.strict(kind, "-" + a.within(8), 8, [a],
                           lambda x: -x if kind == "number" else integer_or_fault(-x))
        node.constant = a.constant
        return node

    def several(self, depth, kind):
        """if, coalesce, min, max, abs, sign, number."""
        form = self.rng.choice(["if", "coalesce", "min", "max", "abs"])
        if form == "if":
            c, a, b = (self.make(depth - 1, k) for k in ("condition", kind, kind))

            def choose(record):
                holds = c.value(record)
                return holds if is_null(holds) else (a if holds else b).value(record)
            return Node(kind, f"if({c.text}, {a.text}, {b.text})", 9, choose)
        if form == "coalesce":
            items = [self.make(depth - 1, kind) for _ in range(self.rng.randint(1, 3))]

            def first(record):
                for item in items:
                    value = item.value(record)
                    if not is_null(value):
                        return value
                return value
            return Node(kind, f"coalesce({', '.join(x.text for x in items)})", 9, first)
        if kind not in ("number", "integer", "time"):
            return self.call(depth, kind)
        if form == "abs":
            if kind == "time":
                return self.leaf(kind)
            a = self.make(depth - 1, kind)
            return self.strict(kind, f"abs({a.text})", 9, [a],
                               abs if kind == "number" else lambda x: integer_or_fault(abs(x)))
        items = [self.make(depth - 1, kind) for _ in range(self.rng.randint(2, 3))]
        return self.strict(kind, f"{form}({', '.join(x.text for x in items)})", 9, items,
                           least_of(form == "max"))

    def time(self, depth):
        sign = self.rng.choice("+-")
        t, i = self.make(depth - 1, "time"), self.make(depth - 1, "integer")
        text = f"{t.within(6)} {sign} {i.within(7)}"
        function = plus if sign == "+" else minus
        return self.strict("time", text, 6, [t, i], lambda a, b: integer_or_fault(function(a, b)))

    def numeric(self, depth, kind):
        forms = [self.sum, self.sum, self.negated, self.several, self.call]
        if kind == "integer":
            forms += [self.of_times, self.sign]
        else:
            forms += [self.read, self.digits]
        return self.rng.choice(forms)(depth, kind)

    def of_times(self, depth, kind):
        a, b = self.make(depth - 1, "time"), self.make(depth - 1, "time")
        return self.strict(kind, f"{a.within(6)} - {b.within(7)}", 6, [a, b],
                           lambda x, y: integer_or_fault(x - y))

    def sign(self, depth, kind):
        a = self.make(depth - 1, self.rng.choice(["number", "integer"]))
        return self.strict(kind, f"sign({a.text})", 9, [a], lambda x: (x > 0) - (x < 0))

    def read(self, depth, kind):
        a = self.make(depth - 1, self.rng.choice(["string", "string", "condition", "integer"]))
        return self.strict(kind, f"number({a.text})", 9, [a],
                           lambda x: spelt(x) if isinstance(x, str) else float(x))

    def digits(self, depth, kind):
        a, n = self.make(depth - 1, "number"), self.rng.randint(0, 15)
        return self.strict(kind, f"round({a.text}, {n})", 9, [a], lambda x: rounded(x, n))

    # ---- conditions

    def comparable(self, depth):
        kind = self.rng.choice(["number", "integer", "string", "time", "condition", "mixed"])
        if kind == "mixed":
            return lambda: self.make(depth - 1, self.rng.choice(["number", "integer"])), kind
        return lambda: self.make(depth - 1, kind), kind

    @staticmethod
    def as_compared(operands):
        """Integers meet numbers as numbers, but as integers where only whole constants stand
        beside them."""
        kinds = {x.kind for x in operands}
        if kinds != {"number", "integer"}:
            return lambda x: x
        plain = {x.kind for x in operands if not x.constant}
        constants = [x.value({}) for x in operands if x.constant]
        if plain == {"integer"} and all(x == int(x) and LEAST < x <= MOST for x in constants):
            return int
        return float

    def comparison(self, depth, _):
        draw, kind = self.comparable(depth)
        signs = ["==", "!="] if kind == "condition" else ["==", "!=", "<", "<=", ">", ">="]
        sign, a, b = self.rng.choice(signs), draw(), draw()
        functions = {"==": lambda x, y: x == y, "!=": lambda x, y: x != y,
                     "<": lambda x, y: x < y, "<=": lambda x, y: x <= y,
                     ">": lambda x, y: x > y, ">=": lambda x, y: x >= y}
        as_one = self.as_compared([a, b])
        text = f"{a.within(6)} {sign} {b.within(6)}"

        def run(x, y):
            x, y = as_one(x), as_one(y)
            if isinstance(x, str):
                x, y = x.encode(), y.encode()
            return functions[sign](x, y)
        return self.strict("condition", text, 5, [a, b], run)

    def membership(self, depth, _):
        draw, kind = self.comparable(depth)
        a = draw()
        if self.rng.random() < 0.5 and kind in ("number", "integer", "string"):
            items = [self.constant(kind) for _ in range(self.rng.randint(1, 12))]
        else:
            items = [draw() for _ in range(self.rng.randint(1, 4))]
        negated = self.rng.random() < 0.3
        as_one = self.as_compared([a, *items])

        def value(record):
            x, found = a.value(record), False
            for item in items:
                y = item.value(record)
                same = join(*(v for v in (x, y) if is_null(v))) if is_null(x) or is_null(y) \
                    else as_one(x) == as_one(y)
                found = logic("or", found, same)
            return found if is_null(found) else found != negated
        text = f"{a.within(6)} {'not ' * negated}{self.word('in')} " \
               f"({', '.join(x.text for x in items)})"
        return Node("condition", text, 5, value)

    def between(self, depth, _):
        draw, kind = self.comparable(depth)
        if kind == "condition":
            return self.comparison(depth, _)
        a, low, high = draw(), draw(), draw()
        negated = self.rng.random() < 0.3
        as_one = self.as_compared([a, low, high])

        def order(x, y):
            if is_null(x) or is_null(y):
                return join(*(v for v in (x, y) if is_null(v)))
            x, y = as_one(x), as_one(y)
            return x.encode() <= y.encode() if isinstance(x, str) else x <= y

        def value(record):
            x = a.value(record)
            inside = logic("and", order(low.value(record), x), order(x, high.value(record)))
            return inside if is_null(inside) else inside != negated
        text = f"{a.within(6)} {'not ' * negated}between {low.within(6)} and {high.within(6)}"
        return Node("condition", text, 5, value)

    def null_test(self, depth, _):
        negated = self.rng.random() < 0.5
        if self.rng.random() < 0.3:
            name = self.rng.choice([n for n in FIELDS if n != "at"])
            return Node("condition", f"{name} is {'not ' * negated}missing", 5,
                        lambda record: (name not in record) != negated)
        kinds = ["number", "integer", "condition", "string"]
        a = self.make(depth - 1, self.rng.choice(kinds))
        return Node("condition", f"{a.within(6)} is {'not ' * negated}null", 5,
                    lambda record: is_null(a.value(record)) != negated)

    def logical(self, depth, _):
        form = self.rng.choice(["and", "or", "implies", "not"])
        a = self.make(depth - 1, "condition")
        if form == "not":
            return self.strict("condition", f"{self.rng.choice(['not ', '! '])}{a.within(4)}", 4,
                               [a], lambda x: not x)
        b, level = self.make(depth - 1, "condition"), PRECEDENCE[form]
        sign = {"and": self.rng.choice(["and", "&&"]), "or": self.rng.choice(["or", "||"])}
        left, right = (level + 1, level) if form == "implies" else (level, level + 1)
        text = f"{a.within(left)} {sign.get(form, form)} {b.within(right)}"
        return Node("condition", text, level,
                    lambda record: logic(form, a.value(record), b.value(record)))

    def matching(self, depth, _):
        a, pattern = self.make(depth - 1, "string"), self.rng.choice(PATTERNS)
        compiled = re.compile(pattern.replace("$", "(?=\\n?\\Z)"))
        text = f"matches({a.text}, '{pattern}')"
        return self.strict("condition", text, 9, [a], lambda s: bool(compiled.search(s)))

    def make(self, depth, kind):
        if depth <= 0 or self.rng.random() < 0.15:
            return self.leaf(kind)
        if kind in ("number", "integer"):
            return self.numeric(depth, kind)
        if kind == "time":
            return self.rng.choice([lambda: self.time(depth), lambda: self.call(depth, kind),
                                    lambda: self.several(depth, kind)])()
        if kind == "string":
            return self.rng.choice([self.call, self.call, self.several])(depth, kind)
        forms = [self.comparison, self.comparison, self.membership, self.between, self.null_test,
                 self.logical, self.logical, self.logical, self.matching, self.call, self.several]
        return self.rng.choice(forms)(depth, kind)


# ---- the comparison

TYPES = {"condition": "a condition", "number": "a number", "integer": "an integer",
         "string": "a string", "time": "a time"}


def differs(expected, text):
    if is_null(expected):
        return text != repr(expected)
    if isinstance(expected, bool):
        return text != str(int(expected))
    if isinstance(expected, str):
        return text != "x" + expected.encode().hex()
    if text in "-!":
        return True
    if isinstance(expected, int):
        return int(text) != expected
    found = float(text)
    if expected != expected:
        return found == found
    # Not the sign of a zero; the last digit of exp() and pow() is the C library's affair.
    return not (found == expected or math.isclose(found, expected, rel_tol=1e-14))


def evaluate(node, record):
    try:
        return node.value(record)
    except OverflowError as error:  # a year beyond Python's
        raise Impossible from error


class Expressions(unittest.TestCase):
    def run_weir(self, texts, records):
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder) / name for name in ("expressions", "rows")]
            for path, lines in zip(paths, (texts, map(json.dumps, records))):
                path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            done = subprocess.run([PROGRAM, *paths], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), len(texts))
        return [line.split("\t") for line in lines]

    def compare(self, node, line, records):
        wrong = compared = 0
        for record, text in zip(records, line[1:]):
            try:
                expected = evaluate(node, record)
            except Impossible:
                continue
            compared += 1
            if differs(expected, text):
                wrong += 1
                if wrong == 1:
                    print(f"{node.text}\n  over {record}\n  is {text}, not {expected!r}")
        return wrong, compared

    def test_random_expressions(self):
        rng = random.Random(20260131)
        records = [random_record(rng, i) for i in range(ROWS)]
        # Strings that come once a batch and often, so that both of their ways are gone.
        records += [random_record(rng, i) for i in range(1500)][::25]
        maker, nodes = Maker(rng), []
        while len(nodes) < EXPRESSIONS:
            kind = rng.choice(["condition", "condition", "number", "integer", "string", "time"])
            node = maker.make(rng.randint(1, 5), kind)
            if len(node.text) < 2000:
                nodes.append(node)
        wrong = compared = refused = nulls = faults = 0
        for node, line in zip(nodes, self.run_weir([node.text for node in nodes], records)):
            if line[0].startswith("error"):
                refused += 1
                # What no record can make right: found again here where it is all there is.
                self.assertRegex(line[0], "divides by zero|cannot be computed", node.text)
                continue
            self.assertEqual(line[0], TYPES[node.kind], node.text)
            self.assertEqual(len(line), len(records) + 1)
            bad, n = self.compare(node, line, records)
            wrong += bad
            compared += n
            nulls += line.count("-")
            faults += line.count("!")
        print(f"{EXPRESSIONS} expressions, {refused} of them refused as constants that cannot be "
              f"computed; {compared} values compared, {nulls} nulls and {faults} faults among them")
        self.assertEqual(wrong, 0)
        self.assertLess(refused, EXPRESSIONS / 20)
        self.assertGreater(faults, compared / 100)

    def test_every_function_is_compared(self):
        done = subprocess.run([BUILD / "weir", "check", "--expressions"], capture_output=True,
                              text=True, check=True)
        functions = done.stdout.split("| of a window |")[0]
        names = set(re.findall(r"^\| `(\w+)\(", functions, re.M))
        known = set(FUNCTIONS) | {"if", "coalesce", "min", "max", "abs", "sign", "number",
                                  "matches", "event_time"}
        self.assertEqual(names, known)


if __name__ == "__main__":
    unittest.main()
