"""The vocabulary: cut down to the pieces that Indonesian and English news uses, before anything is trained or exported.

A multilingual encoder spends four fifths of its weights on pieces of a hundred languages. Without them it is a fifth of the
size and gives the languages that stay the same vectors; words of other scripts become the unknown piece.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from data import corpus

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

LANGUAGES = ("id", "en")
# Pieces as short as this stay, whatever they are used for: foreign names and abbreviations are put together from them.
SHORT = 3
_LATIN = re.compile(r"[▁\x20-\u024f\u1e00-\u1eff\u2000-\u206f\u20a0-\u20bf]+")


def trim(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Leave the pieces out that neither the words of the languages nor the corpus need; the model is changed in place.

    Only Unigram vocabularies (SentencePiece, XLM-R) can be cut so: merges of a BPE vocabulary hang together. Another
    kind comes back as it is.

    >>> from models import pretrained
    >>> len(pretrained.load()[1]) < 60_000  # of 250,002
    True
    """
    import torch

    layout = json.loads(tokenizer.backend_tokenizer.to_str())
    if layout["model"]["type"] != "Unigram":
        return model, tokenizer
    pieces = layout["model"]["vocab"]
    special = {added["id"] for added in layout["added_tokens"]} | {layout["model"]["unk_id"]}
    latin = {i for i, (piece, _) in enumerate(pieces) if _LATIN.fullmatch(piece)}
    short = {i for i in latin if len(pieces[i][0].lstrip("▁")) <= SHORT}
    kept = sorted(special | short | latin & _used(tokenizer, _texts()))
    rows = {old: new for new, old in enumerate(kept)}

    layout["model"]["vocab"] = [pieces[i] for i in kept if i < len(pieces)]
    layout["model"]["unk_id"] = rows[layout["model"]["unk_id"]]
    for added in layout["added_tokens"]:
        added["id"] = rows[added["id"]]
    for token in (layout["post_processor"] or {}).get("special_tokens", {}).values():
        token["ids"] = [rows[i] for i in token["ids"]]
    trimmed = type(tokenizer)(tokenizer_object=type(tokenizer.backend_tokenizer).from_str(json.dumps(layout)), **tokenizer.init_kwargs)

    old: Any = model.get_input_embeddings()
    new = torch.nn.Embedding.from_pretrained(old.weight.data[kept].clone(), freeze=False, padding_idx=rows.get(old.padding_idx))
    model.set_input_embeddings(new)
    model.config.vocab_size = len(kept)
    model.config.pad_token_id = trimmed.pad_token_id
    return model, trimmed


def _used(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> set[int]:
    found: set[int] = set()
    for encoding in tokenizer.backend_tokenizer.encode_batch_fast(list(texts), add_special_tokens=False):
        found.update(encoding.ids)
    return found


def _texts() -> Iterator[str]:
    """The words of the languages (wordfreq: Speer 2022, https://doi.org/10.5281/zenodo.7199437), and the shipped corpus."""
    import wordfreq

    for language in LANGUAGES:
        for word in wordfreq.get_frequency_dict(language, "best"):
            yield word
            yield word.capitalize()
    yield from corpus.sample_texts()
