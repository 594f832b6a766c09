"""A CLIP-style byte-level BPE vocabulary, learned from the words of the captions."""

import json
import re
from collections import Counter
from pathlib import Path

from transformers import CLIPTokenizer

# CLIP's split, in what Python's own regular expressions can say.
WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|[^\s\w]+|_+", re.IGNORECASE)


def letters() -> list[str]:
    """A printable character for each byte, in CLIP's order: bytes that print stand for themselves, and come first."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(byte) for byte in printable] + [chr(256 + k) for k in range(256 - len(printable))]


def learn(counts: Counter, limit: int = 1500) -> list[tuple[str, str]]:
    """The merges, most frequent pair first, until every word is one token or there are `limit`."""
    words = {word: (*word[:-1], word[-1] + "</w>") for word in counts}
    merges: list[tuple[str, str]] = []
    while len(merges) < limit:
        pairs: Counter = Counter()
        for word, parts in words.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += counts[word]
        if not pairs:
            break
        best = max(pairs.items(), key=lambda item: (item[1], item[0]))[0]
        merges.append(best)
        words = {word: merged(parts, best) for word, parts in words.items()}
    return merges


def merged(parts: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    result, k = [], 0
    while k < len(parts):
        if parts[k : k + 2] == pair:
            result.append(pair[0] + pair[1])
            k += 2
        else:
            result.append(parts[k])
            k += 1
    return tuple(result)


def make(things: list[str], backgrounds: list[str], folder: Path) -> CLIPTokenizer:
    counts = Counter(word for thing in things for word in WORDS.findall(thing))
    for word in ["on", "a", "background", *backgrounds]:
        counts[word] += 500
    merges = learn(counts)
    alphabet = letters()
    tokens = alphabet + [letter + "</w>" for letter in alphabet] + [a + b for a, b in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(exist_ok=True)
    vocabulary = {token: k for k, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    return load(folder)


def load(folder: Path) -> CLIPTokenizer:
    return CLIPTokenizer(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"), model_max_length=77)
