"""Recipes: ways to train one model that are set beside each other (config key recipes)."""

UNTUNED = "untuned"  # the arm of a model without training
LORA = ("r", "alpha", "dropout")


def arms_of(config: dict) -> dict[str, dict]:
    """Return arm -> what it is made of, in the order of the configuration; none where no recipes are named.

    Each has `name`, `model`, `n` (0 for no training), `lora` (r, alpha, dropout), `train` (the section of the
    configuration with what the arm changes in it) and `seed`. Before the arms stands every model that they begin with,
    untuned.
    """
    recipes = config["recipes"]
    if not recipes:
        return {}
    arms, untuned = {}, {}
    for arm, entry in recipes["arms"].items():
        model = entry["model"] or recipes["model"]
        name = UNTUNED if model == recipes["model"] else f"{UNTUNED}-{model}"
        untuned[name] = {"name": f"{config['models'][model]['name']}, untuned", "model": model, "n": 0}
        lora = {key: config["stage1"][key] if entry[key] is None else entry[key] for key in LORA}
        arms[arm] = {
            "name": entry["name"],
            "model": model,
            "n": entry["n"] or recipes["n"],
            "lora": lora,
            "train": config["train"] | entry["train"],
            "seed": recipes["seed"],
        }
    return untuned | arms
