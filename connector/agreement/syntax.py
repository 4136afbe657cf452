"""
What a person most likely did where a mapping file cannot be read, said in their words at the line where it shows.

The parser stops at the first thing it does not understand. So that all of them are told in one go, the statement it
stumbled over is blanked, its names are noted as lost, and the rest is read again.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from connector.agreement.locating import HEADER, KEY, STRINGS, Key, locate, parts, statements
from connector.toml_file import MERGE_MARKS, RESOLVE, UNMERGED

#: So many slips are told in one go; whoever made more reads the file once more.
_MOST = 25

#: Tables within tables within tables: no file of ours goes half as deep.
_DEEPEST = 12

_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_CURLY = re.compile("[\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u2032\u2033]")
_ODD_SPACE = re.compile("[\u00a0\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_DECIMAL_COMMA = re.compile(r"=\s*[+-]?\d+,\d+\s*(?:$|[,}#])")
_LONG_NUMBER = re.compile(r"\d{300}")
_BARE_TEXT = re.compile(r"=\s*([^\W\d][^,}\]#]*)")
_VALUE = "the value on this line cannot be read."

#: Words of the parser, what they mean to whoever wrote the line, and what to do.
_BY_PARSER = (
    (
        ("maximum recursion depth",),
        "there are brackets within brackets without end.",
        "Rules go two deep at most.",
    ),
    (
        ("integer string conversion",),
        "there is a number with thousands of digits on this line.",
        "Write an ordinary number.",
    ),
    (
        ("Invalid date",),
        "there is no such day or time.",
        "A day is written 2026-03-31, an instant 2026-03-31T12:00:00Z.",
    ),
    (
        ("escape", "'\\'", "hex value"),
        "a backslash in a text means something of its own.",
        "Write it twice, or put the text in single quotes.",
    ),
)

#: What a line looks like that cannot be read, what is wrong with it, and what to do.
_BY_LOOK = (
    (MERGE_MARKS, f"the file {UNMERGED}", RESOLVE),
    (_DECIMAL_COMMA, "there is a comma in a number.", "Write decimals with a point: 0.5, not 0,5."),
    (re.compile(r"=\s*\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b"), _VALUE, "A day is written year first: 2026-03-31."),
    (re.compile(r"=\s*\d{1,2}:\d\d"), _VALUE, 'A time of day stands in quotes: "09:00".'),
    (re.compile(r"=\s*[\d.]+\s*%"), _VALUE, "Write a share as a number: 0.5 for 50 %."),
    (re.compile(r"=\s*\d{1,3}(?:[. ]\d{3})+\b"), _VALUE, "Write large numbers without dots or spaces: 10_000_000."),
    (
        re.compile(r"=\s*[+-]?0\d"),
        _VALUE,
        'A number does not begin with 0; text such as a post code stands in quotes: "007".',
    ),
    (
        re.compile(r"=\s*(yes|no|on|off|true|false)\b", re.IGNORECASE),
        _VALUE,
        "Write true or false, in small letters.",
    ),
    (
        re.compile(r"=\s*(?:$|[,}\]#])"),
        "there is nothing after the equals sign.",
        "Write the value, or remove the name.",
    ),
    (
        re.compile(r"^\s*[\w\"'-]+\s*:"),
        "there is a colon after the name.",
        "Write an equals sign: name = value.",
    ),
)


@dataclass(frozen=True, slots=True)
class Slip:
    """One place that could not be read: its line, what is wrong there, and what to do."""

    line: int
    what: str
    fix: str


@dataclass(slots=True)
class Understood:
    """What could be read of a file, what could not, and the names that went missing with it."""

    table: dict[str, Any] = field(default_factory=dict)
    lines: dict[Key, int] = field(default_factory=dict)
    slips: list[Slip] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)


@lru_cache(maxsize=64)
def understand(text: str) -> Understood:
    """Read as much of a TOML text as can be read, and say of the rest what is wrong with it. Whoever reads an agreement
    again is given what was understood of the files that are the same: it is there to be looked at, not to be changed.
    """
    read = Understood()
    lines = text.split("\n")
    while len(read.slips) < _MOST:
        try:
            read.table = tomllib.loads("\n".join(lines))
            break
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            first, last, slip = _stumbled(lines, error)
            read.slips.append(slip)
            read.lost |= {name for line in lines[first - 1 : last] for name in _names(line)} | _first_word(
                lines[first - 1]
            )
            lines[first - 1 : last] = [""] * (last - first + 1)
    read.slips.sort(key=lambda slip: slip.line)
    read.lines = locate("\n".join(lines))
    if deep := _too_deep(read.table):
        at = read.lines.get((deep,), 1)
        read.slips.append(Slip(at, f'"{deep}" holds tables within tables within tables.', "Rules go two deep at most."))
        read.lost.add(deep)
        del read.table[deep]
    return read


def _stumbled(lines: Sequence[str], error: Exception) -> tuple[int, int, Slip]:
    """The lines (from 1) to leave out so that the rest can be read, and what to say of them."""
    number = _line_of(lines, error)
    first = max((at for at, _ in statements("\n".join(lines[:number]))), default=number)
    if not lines[first - 1].strip():
        first = number
    said = _AT_LINE.sub("", str(error)).replace("(at end of document)", "").strip().rstrip(".")
    last = max(first, _last_line(lines, first, said))
    shown = first if _begins_too_early(lines, first, number, said) else number
    what, fix = _explain(lines, shown, first, said)
    return first, last, Slip(shown, what, fix)


def _line_of(lines: Sequence[str], error: Exception) -> int:
    """Where the parser stopped; it does not say so of numbers and brackets without end."""
    if at := _AT_LINE.search(str(error)):
        return int(at[1])
    if not isinstance(error, tomllib.TOMLDecodeError):
        return max(range(len(lines)), key=lambda at: (bool(_LONG_NUMBER.search(lines[at])), len(lines[at]))) + 1
    return max((at for at, line in enumerate(lines, start=1) if line.strip()), default=1)


def _begins_too_early(lines: Sequence[str], first: int, number: int, said: str) -> bool:
    """Whether the parser stopped lines after the one that should have been closed."""
    return number > first and ("Unterminated" in said or "Unclosed" in said or _begins(lines[number - 1]))


def _last_line(lines: Sequence[str], first: int, said: str) -> int:
    """The last line that belongs to the statement beginning at `first`, as far as that can be known."""
    line = lines[first - 1]
    whole_part = line.lstrip().startswith("[") or "Unterminated" in said
    if _bare(line).endswith(("{", ",")) and _bare(line).count("{") > _bare(line).count("}"):  # a rule on several lines
        return next((at for at in range(first, len(lines) + 1) if "}" in _bare(lines[at - 1])), first)
    depth, last = 0, first
    for number in range(first, len(lines) + 1):
        text = lines[number - 1]
        if number > first and (HEADER.match(text) if whole_part else _begins(text)):
            break
        last = number
        if not whole_part:
            bare = _bare(text)
            depth += bare.count("[") - bare.count("]")
            if depth <= 0:
                break
    return last


def _bare(line: str) -> str:
    """A line without its remark, and with nothing inside its quotes."""
    return STRINGS.sub('""', line).split("#")[0].rstrip()


def _begins(line: str) -> bool:
    return bool(HEADER.match(line) or KEY.match(line))


def _names(line: str) -> Key:
    """What a line would have named, had it been read."""
    if header := HEADER.match(line):
        return parts(header[1])[-1:]
    key = KEY.match(line)
    return parts(key[1]) if key else ()


def _first_word(line: str) -> set[str]:
    """The name of a line whose head cannot be read; of an unclosed [head.of.a.table] the last part."""
    if HEADER.match(line) or KEY.match(line):
        return set()
    words = re.findall(r"[A-Za-z0-9_-]+", line.split("#", maxsplit=1)[0])
    return set(words[-1:] if line.lstrip().startswith("[") else words[:1])


def _too_deep(table: dict[str, Any]) -> str | None:
    """A key of the file under which tables go on and on."""
    for name, value in table.items():
        level = [value]
        for _ in range(_DEEPEST):
            level = [
                inner
                for each in level
                if isinstance(each, (dict, list))
                for inner in (each.values() if isinstance(each, dict) else each)
            ]
        if level:
            return name
    return None


def _explain(lines: Sequence[str], shown: int, first: int, said: str) -> tuple[str, str]:
    """What is wrong and what to do, by what the line looks like and what the parser said of it."""
    line = lines[shown - 1]
    for explain in (_odd_characters, _twice, _unclosed):
        if told := explain(lines, line, first, said):
            return told
    return _value_or_key(line, said)


def _odd_characters(_lines: Sequence[str], line: str, _first: int, _said: str) -> tuple[str, str] | None:
    """Characters that a word processor, a web page or an old editor left behind."""
    bare = _bare(line)
    if _CURLY.search(bare):
        return "there is a curly quote on this line.", 'Write straight quotes: "text".'
    if control := _CONTROL.search(line):
        return (
            f"there is a character that does not print (code {ord(control[0])}) on this line.",
            "Delete it; writing the line anew helps.",
        )
    if _ODD_SPACE.search(bare):
        return "there is a space of another kind on this line, as web pages have it.", "Write the line anew."
    return None


def _twice(lines: Sequence[str], line: str, first: int, said: str) -> tuple[str, str] | None:
    """One name for two things."""
    if inline := re.match(r"Duplicate inline table key '(.+)'", said):
        return f'"{inline[1]}" is there twice on this line.', "Keep one of them."
    if not any(word in said for word in ("overwrite", "declare", "mutate", "redefine")):
        return None
    earlier = locate("\n".join(lines[: first - 1]))
    path = _path_at(lines, first)
    before = earlier.get(path)
    if before is None:
        holder = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in earlier), ())
        where = f", which line {earlier[holder]} has said already" if holder else ""
        return f'"{".".join(path)}" adds to a name{where}.', "Write all of it in one place."
    kind = "the table" if line.lstrip().startswith("[") else "the name"
    return (
        f'{kind} "{".".join(path)}" is there twice, first on line {before}.',
        "Give one of them another name, or remove it.",
    )


def _path_at(lines: Sequence[str], number: int) -> Key:
    """The full name of what is written on a line."""
    line = lines[number - 1]
    if header := HEADER.match(line):
        return parts(header[1])
    table: Key = ()
    for _, earlier in statements("\n".join(lines[: number - 1])):
        if header := HEADER.match(earlier):
            table = parts(header[1])
    key = KEY.match(line)
    return (*table, *parts(key[1])) if key else table


def _unclosed(_lines: Sequence[str], line: str, _first: int, said: str) -> tuple[str, str] | None:
    """Something opened and not closed, or closed and never opened."""
    bare = _bare(line)
    if "Unterminated" in said and '"""' in line:
        return "the text that begins here never ends.", 'End it with """.'
    if _quotes_left_open(line):
        return "a quote is missing on this line.", 'Text stands between two straight quotes: "text".'
    if bare.count("{") > bare.count("}"):
        return (
            "a brace is missing: { is not closed on this line.",
            "A rule stands on one line: name = { points = 5 }.",
        )
    if bare.count("}") > bare.count("{"):
        return "there is a brace } too many on this line.", "Remove it, or write the { that belongs to it."
    if bare.count("[") > bare.count("]"):
        return "a bracket is missing: [ is not closed.", 'A list is written ["one", "two"], the head of a table [name].'
    if bare.count("]") > bare.count("["):
        return "there is a bracket ] too many on this line.", "Remove it, or write the [ that belongs to it."
    if re.search(r",\s*}", bare):
        return "there is a comma before the closing brace.", "Remove it."
    if re.search(r",\s*,", bare):
        return "there are two commas in a row.", "Remove one."
    if said.startswith("Unclosed") and not _DECIMAL_COMMA.search(bare):
        return "a comma is missing on this line.", "Settings and the entries of a list are parted by commas."
    return None


def _quotes_left_open(line: str) -> bool:
    bare = STRINGS.sub("", line.replace('"""', "").replace("'''", ""))
    return '"' in bare.split("#")[0] or (bare.split("#")[0].count("'") % 2 == 1)


def _value_or_key(line: str, said: str) -> tuple[str, str]:
    """The value or the name is written in a way the file does not know."""
    for words, what, fix in _BY_PARSER:
        if any(word in said for word in words):
            return what, fix
    bare = _bare(line)
    for pattern, what, fix in _BY_LOOK:
        if pattern.search(bare):
            return what, fix
    if "=" not in bare:
        return "this line says nothing that can be read.", "Every line is name = value, [table], or a # remark."
    if not KEY.match(bare):
        return "the name on this line cannot be read.", "A name is one word of letters, digits and _: case_study = ..."
    if text := _BARE_TEXT.search(bare):
        return _VALUE, f'Text needs straight quotes: "{text[1].strip()}".'
    return _VALUE, 'Text stands in straight quotes, lists in [ ], rules in { }: name = { points = 5, why = "..." }.'
