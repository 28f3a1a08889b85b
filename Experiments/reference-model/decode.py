"""LLaDA's plain decoding (low-confidence remasking) and the accuracy it gives."""
import numpy as np
import torch

from data import END, MASK


@torch.no_grad()
def reveal(model, prompts, gen_length, block_length, per_round=1):
    """Responses (problems, gen_length) to prompts of one length (problems, P): `per_round` tokens in each round."""
    P = prompts.shape[1]
    ids = torch.full((len(prompts), P + gen_length), MASK)
    ids[:, :P] = torch.from_numpy(prompts.astype(np.int64))
    for start in range(P, P + gen_length, block_length):
        block = ids[:, start:start + block_length]
        while (block == MASK).any():
            chance = model(ids)[:, start:start + block_length].double().softmax(-1)
            chance[..., MASK] = -1
            best, token = chance.max(-1)
            best[block != MASK] = -1
            places = best.topk(min(per_round, int((block[0] == MASK).sum())), -1).indices
            block.scatter_(1, places, token.gather(1, places))
    return ids[:, P:].numpy()


def final(tokens, marker):
    """What is graded: the tokens before the first end token, those after the last `####` where there is one."""
    ends = np.flatnonzero(tokens == END)
    tokens = tokens[: ends[0]] if len(ends) else tokens
    places = np.flatnonzero(tokens == marker)
    return tokens[places[-1] + 1:] if len(places) else tokens


def accuracy(model, problems, count, gen_length, marker, per_round=1):
    """The share of right responses among the first `count` problems, it by kind and level, and the wrong ones."""
    right, wrong = np.zeros(count, bool), []
    lengths = problems["prompt_length"][:count]
    for length in np.unique(lengths):
        group = np.flatnonzero(lengths == length)
        responses = reveal(model, problems["prompt"][group][:, :length], gen_length, min(16, gen_length), per_round)
        for row, response in zip(group, responses):
            answer = problems["answer"][row][: problems["answer_length"][row]]
            right[row] = np.array_equal(final(response, marker), final(answer, marker))
            if not right[row]:
                wrong.append((row, response))
    parts = {str(value): round(float(right[problems[key][:count] == value].mean()), 3)
             for key in ("kind", "level") for value in np.unique(problems[key][:count])}
    return float(right.mean()), parts, wrong
