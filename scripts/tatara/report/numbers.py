"""How numbers are written in tables, figures and sentences: decimals, signs, intervals, units."""

import math

DASH = "—"


def number(value: float, decimals: int = 2, sign: bool = False) -> str:
    """Return a number with its decimals and thousands separators; large ones without decimals, a dash for NaN."""
    if math.isnan(value):
        return DASH
    decimals = 0 if abs(value) >= 1000 else min(decimals, 1) if abs(value) >= 100 else decimals
    text = f"{value:+,.{decimals}f}" if sign else f"{value:,.{decimals}f}"
    zero = not any(digit in text for digit in "123456789")
    return text.lstrip("+-").replace("-", "−") if zero else text.replace("-", "−")


def interval(value: float, low: float, high: float, decimals: int = 2, sign: bool = False) -> str:
    """Return `2.31 [2.10, 2.52]`, or the number alone where there is no interval."""
    if math.isnan(value) or math.isnan(low):
        return number(value, decimals, sign)
    return f"{number(value, decimals, sign)} [{number(low, decimals, sign)}, {number(high, decimals, sign)}]"


def interval_of(row: dict, key: str, decimals: int = 2, sign: bool = False) -> str:
    """Return a value of a table's row with the interval in the columns `{key}_low` and `{key}_high`."""
    return interval(row[key], row[f"{key}_low"], row[f"{key}_high"], decimals, sign)


def percent(value: float, decimals: int = 0) -> str:
    """Return a share in per cent."""
    return DASH if math.isnan(value) else f"{100 * value:.{decimals}f} %"


def percent_interval(value: float, low: float, high: float) -> str:
    """Return a share in per cent with its interval, `84 % [76, 90]`, or alone where there is no interval."""
    return percent(value) if math.isnan(low) else f"{percent(value)} [{100 * low:.0f}, {100 * high:.0f}]"


def duration(seconds: float) -> str:
    """Return seconds, minutes or hours."""
    if math.isnan(seconds):
        return DASH
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:,.1f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def size(count: float) -> str:
    """Return bytes as MB or GB (powers of ten, as the paper has them)."""
    if math.isnan(count):
        return DASH
    return f"{count / 1e9:,.2f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def p_value(value: float) -> str:
    """Return a p-value in three decimals, `< 0.001` where it is smaller."""
    return DASH if math.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def p_words(value: float) -> str:
    """Return what stands behind `p` in a sentence: `= 0.012`, `< 0.001`."""
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def small(value: float) -> str:
    """Return a number of any size such as a KL divergence, in two significant digits, such as 0.012 or 2.1e−7."""
    if math.isnan(value) or value == 0 or abs(value) >= 0.001:
        return DASH if math.isnan(value) else f"{value:.2g}".replace("-", "−")
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")
