"""Conversations put through chat templates by Jinja, set up as the transformers library sets it up.

llada.jinja is that of LLaDA-8B-Instruct (MIT), qwen3.jinja that of the SDAR and Qwen3 checkpoints (Apache 2.0); the others were written for this.
Writes cases.json: python make.py (needs jinja2 3.1; the stored file was made with 3.1.6)
"""

import json
import pathlib

import jinja2
import jinja2.sandbox

here = pathlib.Path(__file__).parent


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def environment():
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    made.filters["tojson"] = lambda value, **rest: json.dumps(value, ensure_ascii=False, **rest)
    made.globals["raise_exception"] = raise_exception
    return made


turns = {
    "one": [("user", "What is 2 + 3?")],
    "spaces": [("user", "  \n\tTwo lines\nand a space \n ")],
    "system": [("system", " Be brief. "), ("user", "Hallo, wie geht's? \u00e4\u00f6\u00fc \u4f60\u597d \U0001f600")],
    "several": [("user", "a"), ("assistant", "b"), ("user", "c")],
    "thinking": [("user", "a"), ("assistant", "<think>\nhm\n</think>\n\nb"), ("user", "c"), ("assistant", "<think>\nso\n</think>\n\nd\n")],
    "later system": [("user", "a"), ("system", "s"), ("user", "<tool_response>x</tool_response>")],
    "tool": [("user", "a"), ("assistant", ""), ("tool", "7"), ("tool", "8"), ("user", "\"quoted\" \\ \u0001 <b>&amp;</b>")],
    "empty": [("user", "")],
    "markup": [("user", "{{ bos_token }}{% if %} <|im_end|> {# no #}")],
    "accents": [("user", "e\u0301 \u00e9 \r\n \u2028\u00a0"), ("assistant", "\u00a0x\u3000")],
}
tokens = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"}
cases = []
for path in sorted(here.glob("*.jinja")):
    template = environment().from_string(path.read_text())
    for name, conversation in turns.items():
        for answered in [True, False]:
            messages = [{"role": role, "content": content} for role, content in conversation]
            case = {"template": path.stem, "conversation": name, "messages": messages, "answered": answered}
            try:
                case["text"] = template.render(messages=messages, add_generation_prompt=answered, tools=None, documents=None, **tokens)
            except jinja2.exceptions.TemplateError as error:
                case["refusal"] = str(error)
            cases.append(case)
lines = ",\n".join(json.dumps(case) for case in cases)
(here / "cases.json").write_text("[\n" + lines + "\n]\n")
print(len(cases), jinja2.__version__)
