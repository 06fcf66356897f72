"""Conversations as tokens: the template's own rendering, what a difference costs, today's date, control tokens."""

from dataclasses import replace
from pathlib import Path

import pytest
import tiny_models
from tatara.evaluate.ollama_template import frame_of
from tatara.job.errors import InputError
from tatara.models import chat, families
from tatara.models.chat_template import Conversation, prompt_text, render
from tatara.models.tokenizer import load_tokenizer
from tatara.train import samples

# In the form of models that think: a finished conversation has an empty thought, a prompt has it where it is told to.
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
DATED = "{{ '<|im_start|>date\n' + strftime_now('%d %b %Y') + '<|im_end|>\n' }}" + families.CHATML
QUESTION, ANSWER = "堤防とは何か。", "土の構造物である。"
PLAIN = Conversation(tiny_models.SYSTEM)


@pytest.fixture(scope="module")
def tokenizers() -> dict:
    return {
        family: families.train_tokenizer(tiny_models.TEXTS, family, 768, byte_fallback=False)
        for family in ("llama3", "qwen2", "unigram")
    }


@pytest.fixture
def qwen(tokenizers, tmp_path):
    """A tokenizer with ChatML that a test may give another template."""
    tokenizers["qwen2"].save_pretrained(tmp_path)
    return load_tokenizer(tmp_path)


def texts_of(tokenizer, conversation: Conversation, answer: str = ANSWER) -> tuple[str, str]:
    """Return the prompt and what carries loss, decoded."""
    item = chat.encode(tokenizer, QUESTION, answer, conversation)
    return tuple(
        tokenizer.decode(item.input_ids[part]) for part in (slice(item.prompt_tokens), slice(item.prompt_tokens, None))
    )


@pytest.mark.parametrize("family", ["llama3", "qwen2", "unigram"])
def test_what_is_trained_is_the_templates_own_rendering(tokenizers, family):
    tokenizer = tokenizers[family]
    item = chat.encode(tokenizer, QUESTION, ANSWER, PLAIN)
    turns = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]
    rendered = chat.encode_text(tokenizer, render(tokenizer, turns, PLAIN, generate=False))
    assert item.exact and item.input_ids == rendered[: len(item.input_ids)]
    assert tokenizer.decode(rendered[len(item.input_ids) :]).strip() == ""


def test_a_difference_is_refused_before_training_with_the_first_token_and_the_remedy(qwen):
    qwen.chat_template = THINKING
    pairs = [{"id": "p7", "question": QUESTION, "answer": ANSWER}]
    message = (
        r"(?s)^pair p7: the chat template .* token \d+ is \d+ \('<think>.*\) in its rendering and \d+ \('土の.*\) in "
        r"training\. Name in config key chat\.template_options .* enable_thinking: false.* or set chat\.prompt to"
    )
    with pytest.raises(InputError, match=message):
        samples.encode_pairs(qwen, pairs, PLAIN, 512)


def test_what_the_configuration_says_of_a_difference_is_done(qwen):
    qwen.chat_template = THINKING
    thought, spoken = "<think>\n\n</think>\n\n", ANSWER + "<|im_end|>"
    for conversation in (
        Conversation(tiny_models.SYSTEM, {"enable_thinking": False}),
        Conversation(tiny_models.SYSTEM, prompt="conversation"),
    ):
        prompt, trained = texts_of(qwen, conversation)
        assert prompt.endswith(f"<|im_start|>assistant\n{thought}") and trained == spoken
        assert prompt == prompt_text(qwen, QUESTION, conversation)
    accepted = replace(PLAIN, prompt="generation")
    prompt, trained = texts_of(qwen, accepted)
    assert prompt.endswith("<|im_start|>assistant\n") and trained == spoken
    assert not chat.encode(qwen, QUESTION, ANSWER, accepted).exact


def test_ollamas_template_has_the_last_answer_begin_as_in_training(qwen):
    """Earlier answers have no thought, the one to come begins with an empty one."""
    qwen.chat_template = THINKING
    frame = frame_of(qwen, Conversation(tiny_models.SYSTEM, {"enable_thinking": False}))
    assert frame.after_user == "<|im_end|>\n<|im_start|>assistant\n"
    assert frame.after_last_user == frame.after_user + "<think>\n\n</think>\n\n"
    assert (
        '{{ if gt (len (slice $.Messages $i)) 1 }}{{ "<|im_end|>\\n<|im_start|>assistant\\n" }}{{ else }}'
        '{{ "<|im_end|>\\n<|im_start|>assistant\\n<think>\\n\\n</think>\\n\\n" }}{{ end }}' in frame.go_template()
    )
    assert frame_of(qwen, PLAIN).after_last_user == frame.after_user


def test_white_space_that_the_template_writes_belongs_to_the_answer(qwen):
    """As in Mistral's: a blank before an answer, which tokenizers join to the word after it."""
    qwen.chat_template = (
        "{% for m in messages %}{% if m.role == 'assistant' %} {{ m.content | trim }}<|im_end|>{% else %}"
        "[INST] {{ m.content }} [/INST]{% endif %}{% endfor %}"
    )
    for mode in ("exact", "conversation", "generation"):
        prompt, trained = texts_of(qwen, replace(PLAIN, prompt=mode), f"\n{ANSWER} ")
        assert prompt.endswith("[/INST]") and trained == f" {ANSWER}<|im_end|>"


def test_an_answer_that_joins_the_prompts_last_token_is_refused(qwen):
    """The tokenizer has one token for two line feeds, which no prompt that ends with one holds."""
    qwen.add_tokens(["\n\n"])
    with pytest.raises(InputError, match=r"token \d+ is \d+ \('\\n\\n.*\) in its rendering and \d+ \('\\n"):
        chat.encode(qwen, QUESTION, f"\n{ANSWER}", PLAIN)
    prompt, trained = texts_of(qwen, replace(PLAIN, prompt="generation"), f"\n{ANSWER}")
    assert prompt.endswith("assistant\n") and trained.startswith("\n土")


def test_today_is_never_written(qwen):
    qwen.chat_template = DATED
    with pytest.raises(InputError, match=r"writes today's date.* config key chat\.date"):
        chat.encode_prompt(qwen, QUESTION, PLAIN)
    with pytest.raises(InputError, match=r"config key chat\.date"):
        frame_of(qwen, PLAIN)
    prompt, _ = texts_of(qwen, replace(PLAIN, date="2026-01-15"))
    assert prompt.startswith("<|im_start|>date\n15 Jan 2026<|im_end|>\n")
    with pytest.raises(InputError, match=r"config key chat\.date is '2026-02-30'"):
        Conversation(date="2026-02-30")


def test_a_system_prompt_that_the_template_drops_stands_before_the_question(qwen):
    qwen.chat_template = families.CHATML.replace(
        "for message in messages", "for message in messages if message.role != 'system'"
    )
    prompt = prompt_text(qwen, QUESTION, PLAIN)
    assert f"<|im_start|>user\n{tiny_models.SYSTEM}\n\n{QUESTION}<|im_end|>" in prompt


@pytest.mark.parametrize("part", ["question", "answer"])
def test_a_control_token_in_a_text_is_refused_with_its_pair(tokenizers, part):
    texts = {"question": QUESTION, "answer": ANSWER}
    for family, token in (("llama3", "<|eot_id|>"), ("qwen2", "<|im_end|>"), ("unigram", "</s>")):
        tokenizer = tokenizers[family]
        pair = {"id": "p3", **texts, part: f"{texts[part]}{token}"}
        with pytest.raises(
            InputError, match=rf"pair p3: the {part} spells '{token.replace('|', '[|]')}', a control token"
        ):
            samples.encode_pairs(tokenizer, [pair], PLAIN, 512)
        with pytest.raises(InputError, match=r"config key chat\.system spells"):
            chat.encode_prompt(tokenizer, QUESTION, Conversation(token))


def test_a_token_of_another_model_and_an_unknown_character_are_plain_text(tokenizers):
    for family, text in (("llama3", "<|im_end|> <s> </think>"), ("qwen2", "<|eot_id|>"), ("unigram", "鱻 <|im_end|>")):
        tokenizer = tokenizers[family]
        item = chat.encode(tokenizer, text, text, PLAIN)
        assert item.exact
        ends = chat.stop_tokens(tokenizer, PLAIN)
        assert [token for token in item.labels if token in ends] == item.labels[-1:]


def test_a_template_without_an_end_is_closed_by_eos(qwen):
    qwen.chat_template = (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    prompt, trained = texts_of(qwen, PLAIN)
    assert prompt.endswith("assistant: ") and trained == ANSWER + qwen.eos_token


def test_training_asks_in_the_configured_conversation(tmp_path):
    """The adapter's report counts the pairs that follow the template, and training stops where they must and do not."""
    base = tiny_models.make_base(tmp_path / "base", "qwen2")
    Path(base, "chat_template.jinja").write_text(THINKING, encoding="utf-8")
    settings = {"epochs": 1}
    with pytest.raises(InputError, match=r"pair p0: the chat template"):
        tiny_models.train(tmp_path / "refused", base, settings=settings)
    assert not (tmp_path / "refused/adapter").exists()
    for conversation, exact in (
        (Conversation(tiny_models.SYSTEM, {"enable_thinking": False}), 10),
        (Conversation(tiny_models.SYSTEM, prompt="generation"), 0),
    ):
        report = tiny_models.train(tmp_path / str(exact), base, settings=settings, conversation=conversation)
        assert report["template_exact"] == exact
