# Stage preflight: results/models/{model}-preflight.json, before anything is trained · results/models/{model}-passed.json


rule preflight:
    """Say what can be known of a model by its config, tokenizer and files, and refuse what would fail later."""
    input:
        unpack(preflight_files),
        unpack(chat_template),
    output:
        "results/models/{model}-preflight.json",
    log:
        "results/logs/preflight_{model}.log",
    benchmark:
        "results/benchmarks/preflight_{model}.tsv"
    priority: DATA_PRIORITY - 1  # wrong data is found within a second, and goes first
    threads: PREFLIGHT_CORES
    params:
        entry=lambda wildcards: {
            key: config["models"][wildcards.model][key] for key in ("source", "formats", "license")
        },
        place=preflight_place,
        content=path_content,
        chat=CHAT,
        settings={
            "train": config["train"],
            "r": max(config["stage1"]["r"], config["stage2"]["r"]),
            "context": config["evaluate"]["context"],
            "batch_size": config["evaluate"]["batch_size"],
            "byte_fallback": config["parity"]["byte_fallback"],
        },
        code=code_of("preflight"),
    script:
        "../scripts/preflight.py"


rule preflight_passed:
    """Note that a model's source has passed: what is made of a model waits for that (`passed`)."""
    input:
        "results/models/{model}-preflight.json",
    output:
        "results/models/{model}-passed.json",
    log:
        "results/logs/passed_{model}.log",
    priority: DATA_PRIORITY
    params:
        note=preflight_note,
        code=code_of("preflight_passed"),
    script:
        "../scripts/preflight_passed.py"
