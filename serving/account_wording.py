"""The words of the account page for what people choose, and for what they did."""

from __future__ import annotations

from collections.abc import Mapping

from models.feedback import DISPOSITIONS, FEEDBACK_REASONS, LOSSES
from models.warning_mute import MUTE_REASONS
from serving.page_language import SOURCE, Language
from serving.page_wording import unfold


def _(message: str) -> str:
    """Mark a message for the catalogues; it is translated where it is shown."""
    return message


CHOICES: Mapping[str, Mapping[str, str]] = {
    "disposition": {
        "agree": _("The chance is about right"),
        "disagree": _("The chance is wrong"),
        "acted": _("Somebody acted on it"),
        "snooze": _("Look again later"),
    },
    "reason": {
        "already_known": _("known already"),
        "renewal_agreed": _("renewal agreed"),
        "usage_is_seasonal": _("use is seasonal"),
        "usage_moved_elsewhere": _("use moved to another account"),
        "data_is_wrong": _("the data is wrong"),
        "account_is_not_mine": _("not my account"),
        "other": _("another reason"),
    },
    "loss": {
        "price": _("price"),
        "budget": _("budget"),
        "competitor": _("went to a competitor"),
        "missing_capability": _("missing capability"),
        "quality": _("quality"),
        "support": _("support"),
        "low_adoption": _("low adoption"),
        "sponsor_left": _("sponsor left"),
        "reorganised": _("reorganised"),
        "acquired_or_closed": _("acquired or closed"),
        "not_known": _("not known"),
        "other": _("another reason"),
    },
    "mute": {
        "being_handled": _("being handled"),
        "expected": _("expected"),
        "usage_is_seasonal": _("use is seasonal"),
        "data_is_wrong": _("the data is wrong"),
        "does_not_matter_here": _("does not matter here"),
        "other": _("another reason"),
    },
    "who": {
        "csm": _("customer success"),
        "trainer": _("trainer"),
        "support": _("support"),
        "sales": _("sales"),
        "management": _("management"),
    },
    "task": {
        "started": _("started"),
        "done": _("done"),
        "dismissed": _("not useful here"),
        # What companies' own tables say beside these.
        "planned": _("planned"),
        "declined": _("declined"),
        "cancelled": _("cancelled"),
    },
    "contact": {
        "qbr": _("business review"),
        "training": _("training"),
        "call": _("call"),
        "email": _("email"),
    },
    "said": {
        "feedback": _("Saved: what you said about this score."),
        "loss": _("Saved: why the account was lost."),
        "mute": _("Saved: the warning is muted."),
        "playbook": _("Saved: what was done with the playbook."),
    },
    "fault": {
        "choose": _("Choose one of these."),
        "long": _("Write at most 2,000 characters, all of which can be stored."),
        "day": _("Choose a day from today on."),
        "snooze": _("Say for how long."),
        "gone": _("It is not there any more. Look at the page as it is now, then choose again."),
        "seen": _("These scores were replaced meanwhile. Look at the new ones, then send again."),
        "kept": _("The account is in the ranking and gave no notice: say why once it is lost."),
    },
}
OFFERED: Mapping[str, tuple[str, ...]] = {
    "disposition": DISPOSITIONS,
    "reason": FEEDBACK_REASONS,
    "loss": LOSSES,
    "mute": MUTE_REASONS,
}


def tell_status(status: str, language: Language) -> str:
    """What stands of a playbook; what only a company knows is told as it wrote it."""
    known = CHOICES["task"].get(status.strip().casefold())
    return language.text(known) if known else status


class AccountWording:
    """These words in one language.

    Parameters
    ----------
    language : Language
    """

    def __init__(self, language: Language) -> None:
        self._language = language

    def say(self, kind: str, name: str) -> str:
        """One of `CHOICES`; what a company names itself is written as it is named."""
        known = CHOICES[kind].get(name)
        return self._language.text(known) if known else unfold(name)

    def status(self, status: str) -> str:
        """What stands of a playbook, see `tell_status`."""
        return tell_status(status, self._language)

    def offer(self, kind: str) -> list[tuple[str, str]]:
        """What a form offers: values, each with what it is called."""
        return [(name, self.say(kind, name)) for name in OFFERED[kind]]

    def pick(self, texts: Mapping[str, object]) -> object:
        """What a company wrote in several languages, in this one or else in the source's."""
        return texts.get(self._language.code) or texts.get(SOURCE) or ""
