"""A PyTorch denoiser for Unmask: evaluates canvases where PyTorch computes, and answers with reduced rows.

    python unmask_worker.py --model DIR --socket PATH [--device auto] [--dtype auto] [--batch 0] [--trust-remote-code]

Unmask starts it by itself (`model: {path: DIR, worker: {device: cuda}}`), or connects to one that was started by hand, on this machine: it listens on a
local socket that only its owner can open, and talks to nobody else.

A message is 4 bytes "UMSK", the length of its header (4 bytes), the length of its body (8 bytes), the header (JSON) and the body; numbers are little-endian.
The worker says hello first. A question names sequences, with the tokens of all of them end to end in the body as int32:

    {"sequences": [{"length": 9, "rows": [3, 4], "top_k": 3, "gather": [5], "suppress": [], "full": false}]}

The answer's body holds, for each sequence: ids (int32) and logits (float32) of the best tokens, `rows` x `top`; logits (float32) of the gathered and of the
suppressed tokens; sums (float64) over the whole row: maximum m, sum of exp(z - m), sum of exp(z - m) (z - m), and where tokens are suppressed the same over
the rest; whole rows (float32) where asked for.

Canvases of one length, whoever asks, are evaluated together, always `--batch` of them (the rest is filled up and thrown away), and the output head always
on 64 rows: libraries pick other kernels for other shapes, and with them other bits.
"""

import argparse
import collections
import json
import os
import selectors
import signal
import socket
import struct
import sys

PROTOCOL = 1
HEADER = struct.Struct("<4sIQ")
LARGEST_HEADER = 16 << 20
LARGEST_BODY = 64 << 20
HEAD_ROWS = 64


class Fault(Exception):
    """Something that the one who asked should be told, by kind and in words."""

    def __init__(self, kind, message, **details):
        super().__init__(message)
        self.answer = {"error": kind, "message": message, **details}


# ---------------------------------------------------------------------------------------------------------------------------------------- the models


class Llama:
    """A Llama-like transformer in which every row sees every row: LLaDA (arXiv 2502.09992) and Dream (arXiv 2508.15487).

    Written out because it needs nothing from the checkpoint but its numbers: no code of its folder is run.
    """

    NAMES = {
        "LLaDAModelLM": dict(
            width="d_model", layers="n_layers", heads="n_heads", key_heads="n_kv_heads", base="rope_theta", epsilon="rms_norm_eps", tied="weight_tying",
            length="max_sequence_length", embedding="model.transformer.wte", norm="model.transformer.ln_f", head="model.transformer.ff_out",
            layer="model.transformer.blocks.{}.", attention_norm="attn_norm", q="q_proj", k="k_proj", v="v_proj", o="attn_out", feed_norm="ff_norm",
            gate="ff_proj", up="up_proj", down="ff_out"),
        "DreamModel": dict(
            width="hidden_size", layers="num_hidden_layers", heads="num_attention_heads", key_heads="num_key_value_heads", base="rope_theta",
            epsilon="rms_norm_eps", tied="tie_word_embeddings", length="max_position_embeddings", embedding="model.embed_tokens", norm="model.norm",
            head="lm_head", layer="model.layers.{}.", attention_norm="input_layernorm", q="self_attn.q_proj", k="self_attn.k_proj", v="self_attn.v_proj",
            o="self_attn.o_proj", feed_norm="post_attention_layernorm", gate="mlp.gate_proj", up="mlp.up_proj", down="mlp.down_proj"),
    }

    def __init__(self, folder, config, names, device, dtype):
        from safetensors import safe_open

        files = sorted(name for name in os.listdir(folder) if name.endswith(".safetensors"))
        self.weights = {}
        for file in files:
            with safe_open(os.path.join(folder, file), framework="pt") as stored:
                for name in stored.keys():
                    self.weights[name] = stored.get_tensor(name).to(device=device, dtype=dtype)
        self.names = names
        self.layers = config[names["layers"]]
        self.heads = config[names["heads"]]
        self.key_heads = config.get(names["key_heads"]) or self.heads
        self.epsilon = config.get(names["epsilon"], 1e-5)
        width = config[names["width"]]
        self.scale = width**-0.5 if config.get("scale_logits") else None
        embedding = self.weights[names["embedding"] + ".weight"]
        self.vocabulary = embedding.shape[0]
        self.length = config[names["length"]]
        self.head = embedding if config.get(names["tied"]) else self.weights[names["head"] + ".weight"]
        half = width // self.heads // 2
        rates = 1.0 / config.get(names["base"], 10000.0) ** (torch.arange(half, dtype=torch.float64) / half)
        angles = torch.arange(self.length, dtype=torch.float64)[:, None] * rates
        self.cosine = torch.cat([angles.cos(), angles.cos()], 1).float().to(device)
        self.sine = torch.cat([angles.sin(), angles.sin()], 1).float().to(device)

    def linear(self, x, name):
        return torch.nn.functional.linear(x, self.weights[name + ".weight"], self.weights.get(name + ".bias"))

    def norm(self, x, name):
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.epsilon)
        return wide.to(x.dtype) * self.weights[name + ".weight"]

    def rotated(self, x):
        length, half = x.shape[-2], x.shape[-1] // 2
        wide = x.float()
        turned = torch.cat([-wide[..., half:], wide[..., :half]], -1)
        return (wide * self.cosine[:length] + turned * self.sine[:length]).to(x.dtype)

    def states(self, tokens):
        """Final hidden states of `[batch, length]` tokens."""
        names = self.names
        x = torch.nn.functional.embedding(tokens, self.weights[names["embedding"] + ".weight"])
        batch, length, _ = x.shape
        for index in range(self.layers):
            layer = names["layer"].format(index)
            h = self.norm(x, layer + names["attention_norm"])
            q, k, v = (
                self.linear(h, layer + names[part]).view(batch, length, count, -1).transpose(1, 2)
                for part, count in (("q", self.heads), ("k", self.key_heads), ("v", self.key_heads)))
            repeats = self.heads // self.key_heads
            q, k = self.rotated(q), self.rotated(k).repeat_interleave(repeats, 1)
            a = torch.nn.functional.scaled_dot_product_attention(q, k, v.repeat_interleave(repeats, 1))
            x = x + self.linear(a.transpose(1, 2).reshape(batch, length, -1), layer + names["o"])
            h = self.norm(x, layer + names["feed_norm"])
            h = torch.nn.functional.silu(self.linear(h, layer + names["gate"])) * self.linear(h, layer + names["up"])
            x = x + self.linear(h, layer + names["down"])
        return self.norm(x, names["norm"])

    def logits(self, states):
        """Logits of `[rows, width]` states, float32."""
        logits = torch.nn.functional.linear(states, self.head).float()
        return logits if self.scale is None else logits * self.scale


class Remote:
    """Any other family, by the code that comes with its checkpoint."""

    def __init__(self, folder, config, device, dtype):
        import transformers

        kind = next((kind for kind in ("AutoModelForCausalLM", "AutoModel") if kind in config.get("auto_map", {})), "AutoModelForCausalLM")
        loaded = getattr(transformers, kind).from_pretrained(folder, trust_remote_code=True, torch_dtype=dtype)
        self.model = loaded.to(device).eval()
        self.vocabulary = config.get("embedding_size") or config["vocab_size"]
        self.length = config.get("max_position_embeddings") or config.get("max_sequence_length") or 1 << 20

    def states(self, tokens):
        return self.model(tokens).logits

    def logits(self, states):
        return states.float()


def load(arguments):
    with open(os.path.join(arguments.model, "config.json")) as file:
        config = json.load(file)
    family = (config.get("architectures") or ["?"])[0]
    device = arguments.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    name = arguments.dtype
    if name == "auto":
        name = "float32" if device == "cpu" else (config.get("torch_dtype") or config.get("dtype") or "bfloat16")
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]
    if family in Llama.NAMES:
        model = Llama(arguments.model, config, Llama.NAMES[family], device, dtype)
    elif arguments.trust_remote_code:
        model = Remote(arguments.model, config, device, dtype)
    else:
        raise SystemExit(
            f"{family} is none of {', '.join(Llama.NAMES)}; others are loaded by transformers with the code in their folder, which has to be allowed: "
            "remote_code: true in an experiment, --trust-remote-code here")
    return model, device, name


# ------------------------------------------------------------------------------------------------------------------------------------------ a question


def check(sequence, model):
    """Refuses what would not be evaluated as asked."""
    length = sequence["length"]
    if not 0 < length <= model.length:
        raise Fault("too_long", f"a sequence of {length} positions", length=length, limit=model.length)
    if any(not 0 <= row < length for row in sequence["rows"]):
        raise Fault("failed", "a row that the sequence does not have")
    if any(not 0 <= token < model.vocabulary for token in sequence["gather"] + sequence["suppress"]):
        raise Fault("failed", "a token that the vocabulary does not have")


def sums(logits):
    """Maximum m, sum of exp(z - m) and of exp(z - m) (z - m), float64, `[rows, 3]`."""
    wide = logits.double()
    top = wide.max(-1, keepdim=True).values
    if bool(torch.isinf(top).any()):
        top = torch.where(torch.isinf(top), torch.zeros_like(top), top)
    exponents = wide - top
    shares = exponents.exp()
    weighted = torch.where(shares > 0, shares * exponents, torch.zeros_like(shares))
    return torch.cat([top, shares.sum(-1, keepdim=True), weighted.sum(-1, keepdim=True)], -1)


def best(logits, count):
    """The largest logits and their ids; of equal ones the lowest ids."""
    # topk takes equal values in any order: all that reach the last one's value are sorted by hand, where there are more of them than asked for.
    values, ids = logits.topk(count, -1)
    reach = (logits >= values[:, -1:]).sum(-1)
    for row in (reach > count).nonzero().flatten().tolist():
        candidates = (logits[row] >= values[row, -1]).nonzero().flatten()
        order = candidates[torch.sort(logits[row, candidates], dim=-1, descending=True, stable=True).indices][:count]
        values[row], ids[row] = logits[row, order], order
    # Within those kept, equal ones by id.
    order = torch.sort(ids, dim=-1, stable=True).indices
    values, ids = values.gather(-1, order), ids.gather(-1, order)
    order = torch.sort(values, dim=-1, descending=True, stable=True).indices
    return values.gather(-1, order), ids.gather(-1, order)


def reduced(logits, sequence, number):
    """What is kept of the rows of one sequence, as bytes in the order of the protocol."""
    if not bool(torch.isfinite(logits).all()):
        row = int((~torch.isfinite(logits)).any(-1).nonzero()[0])
        raise Fault("non_finite", "logits are not finite", row=sequence["rows"][row], sequence=number)
    suppressed = sorted(set(sequence["suppress"]))
    count = min(max(sequence["top_k"], 1) + len(sequence["suppress"]), logits.shape[-1])
    values, ids = best(logits, count)
    parts = [ids.int(), values, logits[:, sequence["gather"]], logits[:, suppressed], sums(logits)]
    if suppressed:
        rest = logits.clone()
        rest[:, suppressed] = float("-inf")
        parts.append(sums(rest))
    if sequence["full"]:
        parts.append(logits)
    return b"".join(part.contiguous().cpu().numpy().tobytes() for part in parts)


class Batch:
    """Questions that are answered together."""

    def __init__(self, model, device, size):
        self.model, self.device, self.size = model, device, size

    def answer(self, questions):
        """For each `(header, body)` the bytes of its answer, or a Fault."""
        answers = [None] * len(questions)
        places = collections.defaultdict(list)
        parts = []
        for asked, (header, body) in enumerate(questions):
            try:
                tokens = torch.frombuffer(bytearray(body), dtype=torch.int32).long() if body else torch.zeros(0, dtype=torch.long)
                lengths = [sequence["length"] for sequence in header["sequences"]]
                if sum(lengths) != len(tokens):
                    raise Fault("failed", "tokens that do not fit the lengths")
                if len(tokens) and not 0 <= int(tokens.min()) <= int(tokens.max()) < self.model.vocabulary:
                    wrong = next(token for token in tokens.tolist() if not 0 <= token < self.model.vocabulary)
                    raise Fault("unknown_token", "a token outside the vocabulary", token=wrong)
                for sequence in header["sequences"]:
                    check(sequence, self.model)
            except Fault as fault:
                answers[asked] = fault
                parts.append([])
                continue
            except (KeyError, TypeError, ValueError, RuntimeError) as error:
                answers[asked] = Fault("failed", f"not a question of this protocol: {error!r}")
                parts.append([])
                continue
            parts.append([None] * len(lengths))
            for number, own in enumerate(torch.split(tokens, lengths)):
                places[len(own)].append((asked, number, own))
        for group in places.values():
            for start in range(0, len(group), self.size):
                self.evaluate(group[start : start + self.size], questions, answers, parts)
        return [answer if answer else b"".join(own) for answer, own in zip(answers, parts)]

    def evaluate(self, group, questions, answers, parts):
        tokens = torch.stack([own for _, _, own in group])
        filler = tokens[-1:].expand(self.size - len(group), -1)
        try:
            states = self.model.states(torch.cat([tokens, filler]).to(self.device))
        except torch.OutOfMemoryError as error:
            for asked, _, _ in group:
                answers[asked] = Fault("failed", f"{self.size} canvases of {tokens.shape[1]} positions do not fit: {error}; a smaller batch may")
            return
        except RuntimeError as error:
            for asked, _, _ in group:
                answers[asked] = Fault("failed", f"PyTorch: {error}")
            return
        for place, (asked, number, _) in enumerate(group):
            if answers[asked]:
                continue
            sequence = questions[asked][0]["sequences"][number]
            try:
                own = states[place, sequence["rows"]]
                chunks = []
                for start in range(0, len(own), HEAD_ROWS):
                    chunk = own[start : start + HEAD_ROWS]
                    full = torch.cat([chunk, chunk.new_zeros(HEAD_ROWS - len(chunk), chunk.shape[1])])
                    chunks.append(self.model.logits(full)[: len(chunk)])
                parts[asked][number] = reduced(torch.cat(chunks), sequence, number) if chunks else b""
            except Fault as fault:
                answers[asked] = fault


# ------------------------------------------------------------------------------------------------------------------------------------------ the server


class Peer:
    """One that asks: what it has sent so far, and what it has not taken yet."""

    def __init__(self, connection):
        self.connection, self.read, self.written = connection, bytearray(), bytearray()

    def question(self):
        """The next whole question, or nothing yet."""
        if len(self.read) < HEADER.size:
            return None
        mark, head, body = HEADER.unpack_from(self.read)
        if mark != b"UMSK" or head > LARGEST_HEADER or body > LARGEST_BODY:
            raise ValueError("not a message of this protocol")
        end = HEADER.size + head + body
        if len(self.read) < end:
            return None
        header = json.loads(bytes(self.read[HEADER.size : HEADER.size + head]))
        payload = bytes(self.read[HEADER.size + head : end])
        del self.read[:end]
        return header, payload

    def say(self, header, body=b""):
        text = json.dumps(header).encode()
        self.written += HEADER.pack(b"UMSK", len(text), len(body)) + text + body


def serve(listener, batch, hello):
    listener.setblocking(False)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    # Started by Unmask, it ends with it: whoever holds the other end of standard input is gone when that is at its end.
    if os.environ.get("UNMASK_WORKER_OWNED"):
        selector.register(sys.stdin, selectors.EVENT_READ)

    def drop(peer):
        selector.unregister(peer.connection)
        peer.connection.close()

    while True:
        waiting = []
        for key, events in selector.select():
            peer = key.data
            if key.fileobj is listener:
                connection, _ = listener.accept()
                connection.setblocking(False)
                peer = Peer(connection)
                peer.say(hello)
                selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, peer)
            elif key.fileobj is sys.stdin:
                if not os.read(sys.stdin.fileno(), 4096):
                    return
            else:
                try:
                    if events & selectors.EVENT_READ:
                        received = peer.connection.recv(1 << 20)
                        if not received:
                            drop(peer)
                            continue
                        peer.read += received
                        question = peer.question()
                        if question:
                            waiting.append((peer, question))
                    if events & selectors.EVENT_WRITE:
                        del peer.written[: peer.connection.send(peer.written)]
                except BlockingIOError:
                    continue
                except (OSError, ValueError):
                    drop(peer)
        if waiting:
            for (peer, _), answer in zip(waiting, batch.answer([question for _, question in waiting])):
                if isinstance(answer, Fault):
                    peer.say(answer.answer)
                else:
                    peer.say({}, answer)
        for key in list(selector.get_map().values()):
            if key.data:
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if key.data.written else 0)
                if wanted != key.events:
                    selector.modify(key.fileobj, wanted, key.data)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="checkpoint folder in Hugging Face layout")
    parser.add_argument("--socket", required=True, help="path of the local socket to listen on")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16", "float16"])
    parser.add_argument("--batch", type=int, default=0, help="canvases of one pass; 0: 1 on a CPU, 8 elsewhere")
    parser.add_argument("--threads", type=int, default=0, help="threads on a CPU; 0: PyTorch's choice")
    parser.add_argument("--trust-remote-code", action="store_true", help="run the code in the checkpoint's folder, for families not known here")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN if os.environ.get("UNMASK_WORKER_OWNED") else signal.default_int_handler)

    # Whoever connects while the model is loading waits for the hello.
    os.umask(0o077)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(arguments.socket)
    listener.listen(256)
    try:
        global torch
        try:
            import torch
        except ImportError:
            raise SystemExit(f"{sys.executable} has no package torch") from None
        torch.set_grad_enabled(False)
        if arguments.threads:
            torch.set_num_threads(arguments.threads)
        torch.backends.cuda.matmul.allow_tf32 = False
        model, device, dtype = load(arguments)
        size = arguments.batch or (1 if device == "cpu" else 8)
        hello = {
            "protocol": PROTOCOL, "vocabulary": model.vocabulary, "max_length": model.length, "device": device, "dtype": dtype, "batch": size,
            "torch": torch.__version__.split("+")[0]}
        if device.startswith("cuda"):
            hello["device_name"] = torch.cuda.get_device_name(device)
        serve(listener, Batch(model, device, size), hello)
    finally:
        os.unlink(arguments.socket)
        if os.environ.get("UNMASK_WORKER_OWNED"):
            os.rmdir(os.path.dirname(arguments.socket))


if __name__ == "__main__":
    main()
