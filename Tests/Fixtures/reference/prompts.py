"""How kohya's scripts turn a caption into token ids and ids into conditioning (`strategy_base`, `strategy_sd`)."""

import torch

from .models import Model


def token_ids(tokenizer, caption: str, max_token_length: int = 75) -> torch.Tensor:
    """(chunks, 77) token ids; each chunk is a sentence of its own, with a start and an end.

    As `TokenizeStrategy._get_input_ids`: 75 per chunk, an unfilled chunk keeps its padding.
    """
    length = max_token_length + 2
    ids = tokenizer(caption, padding="max_length", truncation=True, max_length=length, return_tensors="pt").input_ids
    if max_token_length == 75:
        return ids
    ids = ids[0]
    start, end, pad = ids[0], ids[-1], tokenizer.pad_token_id
    eos = tokenizer.eos_token_id
    chunks = []
    for i in range(1, max_token_length, 75):
        chunk = torch.cat([start[None], ids[i : i + 75], end[None]])
        if pad != eos:
            # The caption may end just here, with its last id cut off or never reached.
            if chunk[-2] != eos and chunk[-2] != pad:
                chunk[-1] = eos
            if chunk[1] == pad:
                chunk[1] = eos
        chunks.append(chunk)
    return torch.stack(chunks)


def conditioning(model: Model, ids: torch.Tensor, clip_skip: int = 1) -> torch.Tensor:
    """(samples, 75n + 2, width) hidden states for (samples, n, 77) ids.

    As `SdTextEncodingStrategy.encode_tokens`: chunks are encoded apart and joined without the starts and ends inside.
    """
    samples, chunks, _ = ids.shape
    encoder = model.text_encoder
    states = encoder(ids.reshape(-1, 77), output_hidden_states=True).hidden_states[-clip_skip]
    states = encoder.final_layer_norm(states).reshape(samples, chunks, 77, -1)
    inner = states[:, :, 1:-1].flatten(1, 2)
    return torch.cat([states[:, 0, :1], inner, states[:, -1, -1:]], dim=1)
