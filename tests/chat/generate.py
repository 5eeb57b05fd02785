"""Writes cases.json and tokenizer.json: what transformers makes of the templates in templates/.

    python generate.py

The templates are written for this test, after those of models that people use: their structure, not their words.
"""

import datetime
import json
import pathlib

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

HERE = pathlib.Path(__file__).parent
SPECIAL = [
    "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "[INST]",
    "[/INST]", "<start_of_turn>", "<end_of_turn>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|start|>",
    "<|message|>", "<|channel|>", "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|SYSTEM_TOKEN|>",
    "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>", "<｜User｜>", "<｜Assistant｜>", "<|start_of_role|>", "<|end_of_role|>",
    "<|end_of_text|>",
]
# Some are written so, of some a space on the left or on the right is a part.
STRIPPED = {"<|end|>": {"rstrip": True}, "<|assistant|>": {"rstrip": True}}


class Fixed(datetime.datetime):
    @classmethod
    def now(cls):
        return cls(2024, 7, 9, 13, 5)


def tokenizer():
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    model = models.BPE(vocab={letter: at for at, letter in enumerate(letters)}, merges=[])
    made = Tokenizer(model)
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False, **STRIPPED.get(token, {})) for token in SPECIAL])
    bos = made.token_to_id("<s>")
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", bos)])
    made.save(str(HERE / "tokenizer.json"))
    return PreTrainedTokenizerFast(tokenizer_file=str(HERE / "tokenizer.json"), bos_token="<s>", eos_token="</s>")


def main():
    chat_template_utils.datetime = Fixed
    made = tokenizer()
    said = [
        (None, "Hi there"),
        ("Be brief.\n/no_think", "  What is 1 + 1?\n"),
        (None, "日本🙂 <|im_end|> \"quoted\" & <b>\\n</b>"),
    ]
    cases = []
    for path in sorted((HERE / "templates").glob("*.jinja")):
        made.chat_template = path.read_text()
        for system, user in said:
            messages = [{"role": "system", "content": system}] if system else []
            messages.append({"role": "user", "content": user})
            case = {"template": path.name, "system": system, "user": user, "text": None, "ids": None}
            try:
                case["text"] = made.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
                ids = made.apply_chat_template(messages, add_generation_prompt=True)
                case["ids"] = list(ids["input_ids"] if hasattr(ids, "keys") else ids)
            except Exception as error:  # Refused by the template.
                case["error"] = str(error)
            cases.append(case)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (HERE / "cases.json").write_text(f"[\n{lines}\n]\n")


main()
