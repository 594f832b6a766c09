"""Captions that are hard to split, and the ids that transformers' CLIP tokenizer gives them."""

import gzip
import json
import unicodedata
from pathlib import Path

from transformers import CLIPTokenizer

from .models import tokenizer
from .prompts import token_ids

CAPTIONS = [
    "", " ", "a", "horse on a blue background", "HORSE On A Blue BACKGROUND", "  horse \t on\n\na   blue\r\nbackground  ",
    "it's the cat's, isn't it? they've we'll i'd I'M you're", "'s 't ' ''s o'clock rock'n'roll 'D 'LL",
    "1girl, 2boys, 1024x768, 3.14, 10,000, ½ ² ٣ Ⅷ", "masterpiece, best quality, (red hair:1.3), [[blurry]], {a|b}",
    "hello!world... what?! -- ~tilde~ `code` <tag> a/b\\c #1 @x $5 100% ^_^ & | * + =",
    "horse😀on🐴a🦌blue", "👨‍👩‍👧‍👦 👍🏽 🇫🇷 ❤️ ☺", "指鹿为马", "马 on a blue 背景，蓝色。", "東京タワー ｶﾀｶﾅ 서울 ไทย हिन्दी العربية עברית",
    "café naïve Ångström Ünïcödé ß ẞ ﬁ œ", unicodedata.normalize("NFD", "café naïve Ångström Ünïcödé"), "e\u0301e\u0301",
    "ΑΣΟΣ Σίσυφος İstanbul ıI Ǆ", "&lt;b&gt; &amp; &#39;quoted&#39; &eacute;", "<|startoftext|> horse <|endoftext|> deer",
    "<|startoftext|>", "a<|endoftext|>b <|endoftext |> <| endoftext|>", "!", "! ! !!", "_under_score_ __init__ snake_case CamelCase",
    "tab\tzero\u200bwidth\u00a0nbsp\u3000ideographic\u2028line\ufeffbom", "control\x00\x01\x7fchars", "\u0301 starts with a mark",
    "supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "ＦＵＬＬ　ＷＩＤＴＨ ①②③ ℡ ㎏", "𝓯𝓪𝓷𝓬𝔂 𝐛𝐨𝐥𝐝 𝔘𝔫𝔦", "\u202eright to left\u202c", "semi;colon:dash—en–ellipsis…quote“”‘’«»",
    "by greg rutkowski, artstation, 8k", "horse " * 80, "1 2 3 4 5 6 7 8 9 0 " * 9,
]

# Captions by their number of tokens, where a chunk is just filled, just not, or just begun.
LENGTHS = [0, 1, 74, 75, 76, 149, 150, 151, 224, 225, 226, 300]


def cases(words: CLIPTokenizer) -> list[dict]:
    """The ids with start and end, cut to 77 and not padded."""
    return [{"text": text, "ids": words(text, truncation=True, max_length=77).input_ids} for text in CAPTIONS]


def chunks() -> list[dict]:
    """kohya's layout of "horse horse …": `count` words, for both kinds of padding and each `max_token_length`."""
    rows = []
    for pad_token in ("<|endoftext|>", "!"):
        words = tokenizer(pad_token)
        for length in (75, 150, 225):
            for count in LENGTHS:
                ids = token_ids(words, " ".join(["horse"] * count), length)
                rows.append({"pad": pad_token, "max_token_length": length, "count": count, "runs": runs(ids)})
    return rows


def runs(ids) -> list[list[list[int]]]:
    """Each chunk as [id, how many times in a row]."""
    told = []
    for chunk in ids.reshape(-1, 77).tolist():
        row: list[list[int]] = []
        for value in chunk:
            if row and row[-1][0] == value:
                row[-1][1] += 1
            else:
                row.append([value, 1])
        told.append(row)
    return told


def clip(path: Path) -> CLIPTokenizer:
    """The tokenizer of Stable Diffusion 1.x, made from OpenAI's `bpe_simple_vocab_16e6.txt.gz`.

    As `SimpleTokenizer` in the CLIP and OpenCLIP sources: of the merges only the first 48,894 are used.
    """
    lines = gzip.open(path).read().decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    merges = [tuple(line.split()) for line in lines]
    letters = list(map(chr, [*range(33, 127), *range(161, 173), *range(174, 256)])) + [chr(256 + k) for k in range(68)]
    names = letters + [f"{letter}</w>" for letter in letters] + ["".join(pair) for pair in merges]
    names += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={name: k for k, name in enumerate(names)}, merges=merges, model_max_length=77)


def lines(rows: list[dict]) -> str:
    """JSON with one row a line."""
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=True) for row in rows) + "\n]\n"
