"""What training, publishing, forecasting and the service itself write in English, as messages.

Held here, where the catalogues find them, with the places of what is filled in;
`serving.page_sentence` recognises what was written and writes it again in another language.
"""

from __future__ import annotations

from collections.abc import Mapping


def _(message: str) -> str:
    """Mark a message for the catalogues; it is translated where it is shown."""
    return message


# What is filled in may be a sentence, a name or a figure that has words of its own, or a list.
# Of two that match, the first counts.
SENTENCES: tuple[str, ...] = (
    # Verdicts.
    _("better than chance and than the baselines"),
    _("better than chance"),
    _("its probabilities are off"),
    _("no better than chance"),
    _("no better than {all_names}"),
    _("worse than champion {name} by more than the margin of {number}"),
    _("worse than {name}"),
    _("does not replace champion {name}"),
    _("overtaken by version {name}"),
    _("the rows themselves hold the answer"),
    _("a feature holds the answer: {name}"),
    _("features hold the answer: {name}"),
    # What the gate looked at.
    _("AUC {figure}: the interval's lower end is above {number}"),
    _("AUC {figure}: the interval's lower end is not above {number}"),
    _("a higher output does not mean a higher probability on accounts left out"),
    _("better than {name}: AUC differs by {figure}"),
    _("not better beyond noise than {name}: AUC differs by {figure}"),
    _("{name} is better: AUC differs by {figure}"),
    _("{name} is as good: AUC differs by {figure}"),
    _(
        "an AUC above {number} is a bug until proved otherwise: look for a feature that holds the "
        "answer"
    ),
    _("calibration slope {figure}: the interval lies outside {low} to {high}"),
    # Beside the model in use.
    _("champion {name} cannot be compared: {reason}"),
    _("rows without dates cannot be told to be later than what it learnt from"),
    _("{number} of its features are no longer computed, such as {name}"),
    _("too few lost accounts are later than what it learnt from"),
    _("champion {name} (same recipe) on the same {number} rows: {metric} differs by {figure}"),
    _("champion {name} on the same {number} rows: {metric} differs by {figure}"),
    _("a new recipe that is not better than champion {name} beyond noise"),
    _("its mean probability is further off than the champion's, by {figure}"),
    _("{slice} collapsed: AUC {figure}, the champion's {before}"),
    _(
        "its tiers flap more than the champion's: the share that changes from date to date differs "
        "by {figure}"
    ),
    _("version {name} was promoted while this model was being trained; train again"),
    # What holds the answer.
    _(
        "{name} holds the answer of the {model} model: what is known only afterwards there is so "
        "here; leave it out (leave_out), or give the date on which it was known"
    ),
    _(
        "{name} alone tells the label: AUC {tell}, over {number}; see from when its values are "
        "known, correct the query, or put it under leave_out"
    ),
    _(
        "that {all_names} is missing or not tells the label ({tell}): see whether the values are "
        "filled in, or emptied, when a customer leaves, correct the query, or put it under "
        "leave_out"
    ),
    _(
        "that {all_names} are missing or not tells the label ({tell}): see whether the values are "
        "filled in, or emptied, when a customer leaves, correct the query, or put it under "
        "leave_out"
    ),
    _(
        "the as-of date alone tells the label (AUC {number} over all rows): who left is observed "
        "on other dates than who stayed; observe everyone on the same dates"
    ),
    _(
        "which dates have rows tells the label ({tell}): who left is observed on dates of its own; "
        "observe everyone on the same dates"
    ),
    _(
        "whether an account was observed before tells the label ({tell}): observe everyone on "
        "every as-of date since becoming a customer, not only when leaving"
    ),
    _("{name} has {number} % of the model's importance: {reason}"),
    _("look whether its values are known before the as-of date"),
    _("look whether its values are known before the outcome"),
    _("it follows from agreed dates, so the model says little beyond the calendar"),
    # To bear in mind.
    _("not shown to be better than chance within {number} of {all} slices judged: {slices}"),
    _(
        "calibration slope outside {low} to {high} beyond noise within {number} of {all} slices "
        "judged: {slices}"
    ),
    _("{slice} (AUC {value}, {low} to {high}, {number} rows)"),
    _("{slice} (slope {value}, {low} to {high}, {number} rows)"),
    _("and {number} smaller"),
    _(
        "its expected loss runs low: the ARR that was lost is {value} times as much ({low} to "
        "{high})"
    ),
    _(
        "its expected loss runs high: the ARR that was lost is {value} times as much ({low} to "
        "{high})"
    ),
    _(
        "labels of {number} of {all} test rows are spoiled by acting: their accounts were worked "
        "on within the label's span, so one that was saved looks like a false alarm; their figures "
        "stand apart as the slice worked_on"
    ),
    _(
        "acting changes the share lost by {figure}: {number} at high risk against {all} held out "
        "at random, as assigned, whether or not contacted"
    ),
    _("feature {name} is left out: missing in all {number} rows"),
    _("feature {name} is left out: the same in all {number} rows"),
    _("the default parameters are kept: the training rows span too little time for inner folds"),
    _("the default parameters are kept: none of {number} trials on {all} inner folds was better"),
    _(
        "the default parameters are kept: AUC {gain} ({low} to {high}) on {value}, the best of "
        "{number} trials on {all} inner folds, is not beyond noise"
    ),
    _(
        "tuned parameters are used ({name}): AUC {gain} ({low} to {high}) on {value}, the best of "
        "{number} trials on {all} inner folds"
    ),
    _(
        "{name}: by its name this may be the time until the account left or the data ended, which "
        "holds the outcome and which no rule about values can see; if so, --duration-column "
        "'{again}'. If it was known on the day that the row speaks of, nothing is to be done"
    ),
    _(
        "{name}: by its name an identifier, whose number should teach nothing; --leave-out "
        "'{again}' if it is one"
    ),
    # What is predicted.
    _(
        "The contract ends without a successor that starts by {number} days after its end; seen on "
        "as-of dates up to {all} days before its decision."
    ),
    _("The account leaves more than {low} and at most {high} days after the as-of date: {either}."),
    _("The account leaves at most {number} days after the as-of date: {either}."),
    _("its last contract ends without a successor by {number} days later"),
    _("{number} days of silence begin"),
    _("The column {name} of {file} is 1, with no horizon that is stated."),
    _("The column {name} of {file} is 1, known {number} days after the row's date."),
    _(
        "The column {name} of {file} is 1, known {number} days after a day that the table does not "
        "say."
    ),
    # What is wrong with an address.
    _("Not a parameter of this path"),
    _("Given more than once"),
    _("One of {codes}"),
    _("Must be {codes}"),
    _("A number from {low} to {high}"),
    _("A number of days from {low} to {high}, or {codes}"),
    _("At most {number} values"),
    _("At most {number} characters, none of them NUL"),
    # Why a snapshot was held back.
    _("publish.{key}: {reason}"),
    _("{number} accounts after {all} are {value} fewer, more than {limit}"),
    _("{number} accounts after {all} are {value} more, more than {limit}"),
    _("of the {all} served accounts, {number} are missing ({value}), more than {limit}"),
    _(
        "of {all} accounts that had a probability and are still to decide, {number} have none now "
        "({value}), more than {limit}"
    ),
    _(
        "the mean loss probability of {all} accounts went from {low} to {high}, by more than "
        "{limit}"
    ),
    # Why there is no forecast.
    _("contracts: is missing: nothing comes up for renewal; add its query"),
    _(
        "contracts.arr: no money is known: a forecast of revenue needs ARR or MRR; map arr or mrr "
        "in tables.contracts"
    ),
    _(
        "contracts.arr: no contract that runs on {date} has both an agreed end and an ARR; map arr "
        "or mrr in tables.contracts"
    ),
    _(
        "contracts: no renewal has matured by {date}: there are no rates to go by; give a longer "
        "history of contracts"
    ),
    # Why there is no page.
    _("A header that only the proxy may send was sent."),
    _("The proxy has to name one person, once."),
    _("Ask who runs this service to let you in."),
    _("This service has no service store to keep it in."),
    _("It was sent from another site, or by no browser."),
    _("Other machines than this one sign in by https alone: ask for the address that begins so."),
    _("Go back, load the page anew and send the form again; the browser has to take cookies."),
    _("A form is read as {name}."),
    _("At most {number} bytes are read of a form."),
    _("The form cannot be read."),
    _("A field came twice, or holds what no field holds."),
    _("No account {name} in snapshot {id}."),
    _("This needs a key with the scope {name}."),
    _("Publish one with: keepwell score."),
    _("The service runs, its store does not answer; its log says why."),
    _("The keys could not be read yet."),
    _("Ask again in {number} s."),
    _("Ask again a little later."),
    _("The service stops. Ask again a little later."),
    _("{number} field is not as documented."),
    _("{number} fields are not as documented."),
    _("The paths and methods of this service are listed in /openapi.json."),
    _("Without keys this service answers to localhost, 127.0.0.1 and [::1] only."),
    _("Without keys this service stands behind no proxy."),
    _("It says its length in two ways."),
    _("At most {number} bytes are read."),
)
# What is filled in where a place bears one of these names.
NAMES: Mapping[str, tuple[str, ...]] = {
    "name": (
        _("tenure alone"),
        _("days to renewal alone"),
        _("days to renewal with the usage trend"),
        _("logistic regression"),
        _("the health score"),
    ),
    "metric": (_("average precision"),),
    "model": (_("renewal"), _("churn")),
    "figure": (_("{value} ({low} to {high})"), _("unknown")),
    "tell": (
        _("{number} within as-of dates"),
        _("AUC {number} within as-of dates"),
        _("AUC {number}"),
    ),
    "slice": (
        _("worked on {yes_or_no}"),
        _("tenure {span}"),
        _("lead {span}"),
        _("segment {name}"),
        _("region {name}"),
        _("account tier {name}"),
        _("billing period months {name}"),
    ),
    "yes_or_no": (_("yes"), _("no"), _("unknown")),
    "missing": (_("unknown"),),
    "span": (
        _("over {number} days"),
        _("{number} days or more"),
        _("{low}-{high} days"),
        _("overdue"),
        _("unknown"),
    ),
}
# By column of a report's slices, which of these its values are.
SLICE_VALUES = {"tenure_band": "span", "lead_band": "span", "worked_on": "yes_or_no"}
# Places that hold a list, by what joins it.
LISTS = {"slices": _("; "), "either": _(" or "), "all_names": _(" and ")}
PART_OF = {"slices": "reason", "either": "reason", "all_names": "name", "before": "figure"}
