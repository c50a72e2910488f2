"""README and docs are plain English: short sentences, easy words, none of the old riddles."""

import re
from itertools import pairwise

import pytest

from tests.test_docs import PAGES, ROOT, name

WRITTEN = [p for p in PAGES if not p.name.startswith("benchmarks-")]
"""Pages for readers; the others are tables that the benchmarks write."""
PROSE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *WRITTEN]
LONGEST = 40
"""Words in a sentence, at most."""
EASE = 50.0
"""Least Flesch reading ease of a page; 60 is called plain English, and names of the field are long words."""
RIDDLES = {
    r"so has \w+\.? it\b": "say what does what",
    r"proven apart": "independently verified",
    r"at its word": "say what is computed",
    r"\b(honest|dishonest) (part|row)": "say which information class",
    r"turned over": "flipped",
    r"when nobody looks": "when the output is not a terminal",
    r"\ba (doubt|lack|say)\b": "use the verb",
    r"is copied in\b": "redistributed",
    r"what is more,|that said,|as it were": "leave it out",
    r"\bwhich (is|are) told\b": "say who says it",
    r"\bno (one|body) else's\b": "say whose",
}


def plain(path):
    """The sentences of a page: no code, tables, headings, formulas or addresses."""
    text = path.read_text(encoding="utf-8")
    for gone in (r"```.*?```", r"<!--.*?-->", r"\$\$.*?\$\$"):
        text = re.sub(gone, "", text, flags=re.DOTALL)
    text = re.sub(r"^(?:\||#|!|=|>>>|:::).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"`[^`]*`|\$[^$\n]*\$", "it", text)
    text = re.sub(r"\]\([^)]*\)", "", text).replace("[", "").replace("*", "")
    text = re.sub(r"^\s*(-|\d+\.) ", "\n\n", text, flags=re.MULTILINE)
    parts = re.split(r"(?<=[.!?:;])\s+|\n\s*\n", text)
    return [" ".join(part.split()) for part in parts if re.search(r"[A-Za-z]{2}", part)]


def syllables(word):
    """Vowel groups, without a silent e at the end; at least one."""
    return max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e$", "", word.lower()))))


def ease(sentences):
    """Flesch reading ease: 206.835 - 1.015 words a sentence - 84.6 syllables a word."""
    words = [w for sentence in sentences for w in re.findall(r"[A-Za-z]+", sentence)]
    return 206.835 - 1.015 * len(words) / len(sentences) - 84.6 * sum(map(syllables, words)) / len(words)


def test_the_measure_tells_plain_from_hard():
    plain_ones = ["The cat sat on the mat.", "It was glad."]
    hard = ["Institutional considerations notwithstanding, collateralisation necessitates reconsideration."]
    assert ease(plain_ones) > 90 > 0 > ease(hard)
    assert [syllables(w) for w in ("the", "table", "haircut", "severity")] == [1, 1, 2, 4]


@pytest.mark.parametrize("page", PROSE, ids=name)
def test_sentences_are_short_and_easy(page):
    sentences = plain(page)
    longest = max(sentences, key=lambda s: len(s.split()))
    assert len(longest.split()) <= LONGEST, longest
    assert len(sentences) < 5 or ease(sentences) >= EASE, "a page of a few words has no ease"


@pytest.mark.parametrize("page", PROSE, ids=name)
def test_no_riddles(page):
    text = " ".join(plain(page))
    for riddle, plainer in RIDDLES.items():
        found = re.search(riddle, text, re.IGNORECASE)
        assert found is None, f"{found[0]!r}: {plainer}"


def test_the_readme_is_short_and_no_paragraph_is_a_table():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    bare = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for paragraph in re.split(r"\n\s*\n|\n- ", re.sub(r"^[|#!<].*$", "", bare, flags=re.MULTILINE)):
        prose = re.sub(r"`[^`]*`|\]\([^)]*\)|arXiv \S+|October 10(, 2025)?", "", paragraph)
        figures = re.findall(r"(?<!\w)\$?\d[\d,.]*", prose)
        assert len(figures) <= 3, (figures, paragraph)


def test_a_page_says_a_thing_once():
    for page in PROSE:
        for first, second in pairwise(plain(page)):
            assert first != second or len(first.split()) < 4, (name(page), first)
