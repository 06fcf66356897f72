"""Licences of base models, and what each asks of a model made from it, in our words: the licence's own text counts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Licence:
    """A base model's licence and what it asks of a model made from it.

    Attributes:
        title: its full name.
        hub: its id on a model hub, for the card's metadata; `other` where the hub has none.
        hub_name: what it is called there where the id is `other`.
        url: where its text is, where the card is to lead there.
        prefix: what the name of a derived model has to begin with.
        banner: what has to be shown wherever the model is offered.
        notice: the text that has to lie beside the model in a file called NOTICE.
        obligations: what it asks for.
    """

    title: str
    hub: str
    hub_name: str = ""
    url: str = ""
    prefix: str = ""
    banner: str = ""
    notice: str = ""
    obligations: tuple[str, ...] = ()


# Apache License 2.0, section 4.
_APACHE = (
    "Pass a copy of the licence on with the model.",
    "Say prominently in the changed files that they were changed.",
    "Keep the copyright, patent, trademark and attribution notices, and those of a NOTICE file where there is one.",
)
_LLAMA_SCALE = (
    "Whoever had more than 700 million users a month when the model was released, affiliates counted, needs a licence "
    "from Meta."
)


def _llama(version: str, *more: str) -> Licence:
    """Return the Llama 3.x Community License (3.1: 23 July 2024; 3.2: 25 September 2024; 3.3: 6 December 2024).

    Sections 1.b.i (copy, “Built with Llama”, name), 1.b.iii (notice), 1.b.iv (use policy) and 2 (700 million users).
    """
    return Licence(
        f"Llama {version} Community License",
        f"llama{version}",
        prefix="Llama",
        banner="Built with Llama",
        notice=f"Llama {version} is licensed under the Llama {version} Community License, Copyright © Meta Platforms, "
        "Inc. All Rights Reserved.",
        obligations=(
            "Pass a copy of the licence on with the model.",
            "Show “Built with Llama” prominently on a page, in the interface, in a post or in the documentation of "
            "what uses the model.",
            "Begin the name of a model that is made from it, or trained on its answers, with “Llama” where it is "
            "passed on.",
            "Keep the attribution notice in a text file called Notice beside every copy.",
            f"Follow the Llama {version} Acceptable Use Policy and the law.",
            _LLAMA_SCALE,
            *more,
        ),
    )


LICENCES = {
    # Meta Llama 3 Community License Agreement of 18 April 2024, sections 1.b and 2.
    "llama3": Licence(
        "Meta Llama 3 Community License",
        "llama3",
        prefix="Llama 3",
        banner="Built with Meta Llama 3",
        notice="Meta Llama 3 is licensed under the Meta Llama 3 Community License, Copyright © Meta Platforms, Inc. "
        "All Rights Reserved.",
        obligations=(
            "Pass a copy of the licence on with the model.",
            "Show “Built with Meta Llama 3” prominently on a page, in the interface, in a post or in the documentation "
            "of what uses the model.",
            "Begin the name of a model that is made from it with “Llama 3” where it is passed on.",
            "Keep the attribution notice in a text file called Notice beside every copy.",
            "Follow Meta's Acceptable Use Policy and the law, and do not use the model or its answers to improve other "
            "large language models than Llama 3 and what is made from it.",
            _LLAMA_SCALE,
        ),
    ),
    "llama3.1": _llama("3.1"),
    "llama3.2": _llama(
        "3.2",
        "The use policy grants no rights to the multimodal models (11B, 90B) to people who live in the European Union "
        "or companies with their seat there; the text models are free of this.",
    ),
    "llama3.3": _llama("3.3"),
    # Gemma Terms of Use, sections 3.1 (distribution) and 3.2 (use).
    "gemma": Licence(
        "Gemma Terms of Use",
        "gemma",
        notice="Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms",
        obligations=(
            "Make the use restrictions of section 3.2 (the Gemma Prohibited Use Policy, ai.google.dev/gemma/"
            "prohibited_use_policy, and the law) an enforceable part of the terms under which the model is passed on "
            "or offered as a service, and tell those who get it that they are bound by them.",
            "Give everyone who gets the model a copy of the Gemma Terms of Use.",
            "Say prominently in the changed files that they were changed: the weights were fine-tuned, merged and "
            "converted.",
            "Put the notice into a text file called Notice beside the model, where it is passed on as files.",
            "Google may restrict uses that break the terms.",
        ),
    ),
    # LFM Open License v1.0: Apache 2.0 with a limit to commercial use, sections 4 (redistribution) and 5 (the limit).
    "lfm": Licence(
        "LFM Open License v1.0",
        "other",
        hub_name="lfm1.0",
        url="https://www.liquid.ai/lfm-open-license-v1.0",
        obligations=(
            "Commercial use, of models made from it too, is free to those whose yearly revenue is below 10 million US "
            "dollars; from there on it needs a licence from Liquid AI. Non-profit organisations may use it for "
            "research and other non-commercial work whatever their revenue.",
            *_APACHE,
        ),
    ),
    "apache-2.0": Licence("Apache License 2.0", "apache-2.0", obligations=_APACHE),
    "mit": Licence(
        "MIT License", "mit", obligations=("Pass the copyright notice and the permission notice on with the model.",)
    ),
    "none": Licence("none", "other"),
    "unknown": Licence(
        "not stated in this study's configuration",
        "unknown",
        obligations=(
            "Find the base model's licence, name it in the configuration (models.NAME.license), and follow it before "
            "you pass the model on.",
        ),
    ),
}


def licence_of(setting: str | dict) -> Licence:
    """Return a base model's licence.

    Args:
        setting: `models.NAME.license` of the configuration: a key of LICENCES, or another licence's `name` and `url`.
    """
    if isinstance(setting, str):
        return LICENCES[setting]
    name, url = setting["name"], setting["url"]
    return Licence(
        name,
        "other",
        hub_name=name,
        url=url,
        obligations=(
            f"Read {url} before you pass the model on: this study knows the licence by its name alone.",
            "Pass a copy of it on with the model, keep its notices, and say that the weights were changed.",
        ),
    )
