"""The words of the pages for what the data names in short: states, tiers, groups, rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import cast

from models.account_score import Basis, State, Tier
from models.alert import Severity
from models.growth import GrowthReason
from models.health_change import HEALTHY, UNHEALTHY
from models.health_settings import STANDARD
from models.unscored import UnscoredReason
from models.weak_slice import Weakness
from serving.model_figure import Beside
from serving.page_format import Formats
from serving.page_language import Language
from serving.page_sentence import Sentences


def _(message: str) -> str:
    """Mark a message for the catalogues; it is translated where it is shown."""
    return message


SHAPES: dict[Tier, str] = {"high": "■", "medium": "◆", "low": "○"}
TIER_WORDS: dict[Tier, str] = {"high": _("High"), "medium": _("Medium"), "low": _("Low")}
STATE_WORDS: dict[State, str] = {
    "to_decide": _("to decide"),
    "renewed": _("renewed"),
    "notice_given": _("notice given"),
    "auto_renewed": _("renewed by itself"),
    "no_term": _("no fixed term"),
    "in_grace": _("ended, nothing signed"),
    "too_little_history": _("too little history"),
}
BASIS_WORDS: dict[Basis, str] = {
    "renewal": _("not renewing this contract"),
    "churn": _("leaving within the horizon"),
}
BASIS_LETTERS: dict[Basis, str] = {"renewal": _("r"), "churn": _("c")}
MODEL_WORDS = {"renewal": _("renewal"), "churn": _("churn")}
UNSCORED_WORDS: dict[UnscoredReason, str] = {
    "too_little_history": _("too little history"),
    "interval_too_wide": _("the model is too unsure"),
    "no_model": _("no model speaks of it"),
}
SEVERITY_WORDS: dict[Severity, str] = {
    "urgent": _("this week"),
    "soon": _("this month"),
    "watch": _("keep in view"),
}
HEALTH_WORDS = ((HEALTHY, _("good")), (UNHEALTHY, _("fair")), (0.0, _("poor")))
MEASURE_WORDS = {"value_actions": _("Value actions")}
# Figures that add up over accounts have units that count things; of these the mean is told.
MEAN_UNITS = frozenset(
    {"share", "ratio", "rating", "change", "points", "percentage points", "flag"}
)
GROUP_WORDS = {
    "activity": _("Activity"),
    "adoption": _("Adoption"),
    "attributes": _("Attributes"),
    "contract": _("Contract"),
    "fit": _("Fit"),
    "lifecycle": _("Lifecycle"),
    "measures": _("Measures"),
    "money": _("Money"),
    "onboarding": _("Onboarding"),
    "people": _("People"),
    "relationship": _("Relationship"),
    "support": _("Support"),
    "table": _("Table"),
    "trend": _("Trend"),
    "value": _("Value"),
    "voice": _("Voice"),
}
GROWTH_WORDS = {
    "seats_full": _("%(figure)s of the seats in use"),
    "modules_broad": _("%(figure)s of the modules in use"),
    "health": _("health %(figure)s"),
    "use_steady": _("use %(figure)s in 28 days"),
}
BASELINE_WORDS = {
    "tenure": _("how long it has been a customer, alone"),
    "days_to_renewal": _("days to the renewal, alone"),
    "days_to_renewal_with_trend": _("days to the renewal, and whether use falls"),
    "logistic_regression": _("a logistic regression, the simplest model"),
    "health_score": _("the health score, the lowest first"),
}
BESIDE_WORDS: dict[Beside, str] = {
    "better": _("the model is better"),
    "alike": _("no difference beyond chance"),
    "worse": _("the model is worse"),
}
WEAKNESS_WORDS: dict[Weakness, str] = {
    "ranking": _("not shown to rank better than chance"),
    "chances": _("its chances are off"),
    "money_low": _("more money was lost than expected"),
    "money_high": _("less money was lost than expected"),
}
SLICE_WORDS = {
    "segment": _("Segment"),
    "region": _("Region"),
    "account_tier": _("Account tier"),
    "tenure_band": _("Customer for"),
    "lead_band": _("Time to the decision"),
    "worked_on": _("Worked on"),
    "billing_period_months": _("Months billed at once"),
}
FILTER_WORDS = {
    "owner": _("Owner"),
    "segment": _("Segment"),
    "region": _("Region"),
    "account_tier": _("Account tier"),
    "parent_id": _("Parent"),
    "risk_tier": _("Risk tier"),
    "state": _("State"),
    "warning": _("Warning"),
}


class Wording:
    """These words in one language.

    Parameters
    ----------
    language : Language
    """

    def __init__(self, language: Language) -> None:
        self._text = language.text
        self._sentences = Sentences(language)

    def state(self, state: State) -> str:
        """What stands of an account's contract."""
        return self._text(STATE_WORDS[state])

    def tier(self, tier: Tier) -> str:
        """A risk tier in a word."""
        return self._text(TIER_WORDS[tier])

    def shape(self, tier: Tier) -> str:
        """The sign of a tier, by which it is known without colour."""
        return SHAPES[tier]

    def model(self, name: str) -> str:
        """A model by its name."""
        known = MODEL_WORDS.get(name)
        return self._text(known) if known else name

    def basis(self, basis: Basis) -> str:
        """What a probability speaks of."""
        return self._text(BASIS_WORDS[basis])

    def letter(self, basis: Basis) -> str:
        """The same as a letter, explained below the table."""
        return self._text(BASIS_LETTERS[basis])

    def unscored(self, reason: UnscoredReason) -> str:
        """Why there is no probability."""
        return self._text(UNSCORED_WORDS[reason])

    def severity(self, severity: Severity) -> str:
        """By when a warning wants to be acted on."""
        return self._text(SEVERITY_WORDS[severity])

    def health(self, score: float) -> str:
        """A health score of 0-100 in a word."""
        return self._text(next(word for least, word in HEALTH_WORDS if score >= least))

    def measure(self, feature: str, name: str | None = None) -> str:
        """What a measure counts, from its feature's name: its window is told in words.

        Parameters
        ----------
        feature : str
        name : str or None
            What to call one that has no word here, where the snapshot tells it.
        """
        found = re.fullmatch(r"(.+)_(\d+)d", feature)
        stem, days = found.groups() if found else (feature, None)
        known = MEASURE_WORDS.get(stem)
        if known is None and name is not None:
            return name
        named = self._text(known) if known else unfold(stem)
        if days is None:
            return named
        return self._text(_("%(measure)s in %(days)s days")) % {"measure": named, "days": days}

    def profile(self, name: str) -> str:
        """A profile of the health score; one of a user's own is written as it is named."""
        return self._text(_("standard")) if name == STANDARD else name

    @staticmethod
    def adds_up(unit: str | None) -> bool:
        """Whether a measure of a unit may be summed over accounts."""
        if unit is None:
            return False
        return unit not in MEAN_UNITS and " per " not in unit and "days" not in unit

    def group(self, name: str) -> str:
        """A group of the feature catalogue; one of a user's own is written as it is named."""
        known = GROUP_WORDS.get(name)
        return self._text(known) if known else unfold(name)

    def filter(self, name: str, values: Iterable[str], titles: Mapping[str, str]) -> str:
        """A filter with what it lets through, in words; `titles` are those of warnings."""
        known: Mapping[str, Callable[[str], str]] = {
            "risk_tier": lambda value: self.tier(cast(Tier, value)),
            "state": lambda value: self.state(cast(State, value)),
            "warning": lambda value: titles.get(value) or self.rule(value),
        }
        told = ", ".join(map(known.get(name, str), values))
        return f"{self._text(FILTER_WORDS[name])}: {told}"

    def rule(self, name: str) -> str:
        """A rule of warnings or a playbook, from its name where it has no title."""
        return unfold(name)

    def baseline(self, name: str) -> str:
        """What can be said without a model."""
        known = BASELINE_WORDS.get(name)
        return self._text(known) if known else unfold(name)

    def beside(self, beside: Beside) -> str:
        """How a model does beside a baseline."""
        return self._text(BESIDE_WORDS[beside])

    def weakness(self, kind: Weakness) -> str:
        """What is weak in a slice."""
        return self._text(WEAKNESS_WORDS[kind])

    def slice(self, column: str, value: str) -> str:
        """A slice of accounts, by what it is cut by and the value."""
        known = SLICE_WORDS.get(column)
        told = self._sentences.value(column, value) or value
        return f"{self._text(known) if known else unfold(column)}: {told}"

    def sentence(self, text: str) -> str | None:
        """What training or publishing wrote; None where only the text itself can tell it."""
        return self._sentences.translate(text)

    def growth(self, reason: GrowthReason, formats: Formats) -> str:
        """Why an account is ready to grow, from its code and figure."""
        code, value = reason
        known = GROWTH_WORDS.get(code)
        if known is None:
            return unfold(code)
        write = {
            "health": lambda figure: formats.decimal(figure, 0),
            "use_steady": formats.change,
        }.get(code, formats.share)
        return self._text(known) % {"figure": write(value)}


def unfold(name: str) -> str:
    """A name of the configuration as words: ``key_user_gone`` is Key user gone."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]
