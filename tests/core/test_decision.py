"""Laws of a decision: the strictest action wins, nothing that is added loosens, break-glass hides no verdict."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.core.decision import ACTIONS, ALLOW, DENY, WARN, Candidate, Knobs, decide, failed, judge, strictest
from hostfit.core.document import BROKEN, DEPLOYER, IMAGE, MISSING, PRESENT, UNSYNCED, Document, Provenance
from hostfit.core.results import FIT, INVALID, MISFIT, UNKNOWN, SpecResult
from hostfit.core.spec import Spec

actions = st.sampled_from(ACTIONS)
knobs = st.builds(Knobs, actions, actions, actions, actions)
states = st.sampled_from([PRESENT, BROKEN, MISSING, UNSYNCED])
verdicts = st.sampled_from([FIT, MISFIT, UNKNOWN, INVALID])


either = st.booleans()


@st.composite
def judgements(draw, reported_only=either):
    state = draw(states)
    document = Document(
        Provenance(draw(st.sampled_from([DEPLOYER, IMAGE])), "here"),
        spec=Spec(()) if state == PRESENT else None,
        state=state,
        reported_only=draw(reported_only),
    )
    result = SpecResult(draw(verdicts), (), None) if state == PRESENT else None
    return judge(document, result, draw(knobs))


def document(state=PRESENT, *, reported_only=False):
    return Document(Provenance(IMAGE, "here"), state=state, reported_only=reported_only)


@pytest.mark.parametrize(
    ("state", "verdict", "knob"),
    [
        (PRESENT, FIT, ""),
        (PRESENT, MISFIT, "on_misfit"),
        (PRESENT, UNKNOWN, "on_unknown"),
        (PRESENT, INVALID, "on_error"),
        (BROKEN, INVALID, "on_error"),
        (MISSING, UNKNOWN, "on_unknown"),
        (UNSYNCED, UNKNOWN, "on_unsynced"),
    ],
)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_document_is_judged_by_its_own_knob(state, verdict, knob, action):
    others = dict.fromkeys(Knobs.__slots__, DENY if action == ALLOW else ALLOW)
    result = SpecResult(verdict, (), None) if state == PRESENT else None

    one = judge(document(state), result, Knobs(**{**others, **({knob: action} if knob else {})}))

    assert (one.verdict, one.knob, one.action) == (verdict, knob, action if knob else ALLOW)


def test_defaults_deny_misfits_and_errors_and_warn_about_the_rest():
    shipped = Knobs()

    assert (shipped.on_misfit, shipped.on_unknown, shipped.on_unsynced, shipped.on_error) == (DENY, WARN, WARN, DENY)


def test_no_document_at_all_fits_and_starts():
    """IA7: no spec anywhere."""
    decision = decide(())

    assert (decision.action, decision.verdict) == (ALLOW, FIT)


@settings(deadline=None)
@given(st.lists(judgements(), max_size=6))
def test_strictest_action_wins(several):
    enforced = [one.action for one in several if not one.document.reported_only]

    assert decide(tuple(several)).action == strictest(tuple(enforced))
    assert all(ACTIONS.index(decide(tuple(several)).action) >= ACTIONS.index(one) for one in enforced)


@settings(deadline=None)
@given(st.lists(judgements(), max_size=5), judgements())
def test_adding_a_document_never_loosens(several, further):
    before, after = decide(tuple(several)), decide((*several, further))

    order = (FIT, UNKNOWN, MISFIT, INVALID)
    assert ACTIONS.index(after.action) >= ACTIONS.index(before.action)
    assert order.index(after.verdict) >= order.index(before.verdict)


@settings(deadline=None)
@given(st.lists(judgements(), max_size=5), judgements(reported_only=st.just(True)))
def test_document_that_is_only_reported_never_counts(several, further):
    before, after = decide(tuple(several)), decide((*several, further))

    assert (after.action, after.verdict) == (before.action, before.verdict)


@settings(deadline=None)
@given(st.permutations([0, 1, 2, 3]), st.lists(judgements(), min_size=4, max_size=4))
def test_decision_does_not_depend_on_the_order_of_documents(order, several):
    one, other = decide(tuple(several)), decide(tuple(several[at] for at in order))

    assert (one.action, one.verdict) == (other.action, other.verdict)


@settings(deadline=None)
@given(st.lists(judgements(), max_size=5))
def test_break_glass_lifts_a_denial_and_never_changes_a_verdict(several):
    plain, lifted = decide(tuple(several)), decide(tuple(several), lifted=True)

    assert lifted.verdict == plain.verdict
    assert [one.verdict for one in lifted.judgements] == [one.verdict for one in plain.judgements]
    assert [one.action for one in lifted.judgements] == [one.action for one in plain.judgements]
    assert lifted.action != DENY
    assert lifted.lifted == (plain.action == DENY)
    assert plain.action in (DENY, lifted.action)


def test_first_candidate_without_a_reason_takes_the_container():
    candidates = (
        Candidate("runsc", "", "ENOENT"),
        Candidate("runc", "/usr/bin/runc"),
        Candidate("crun", "/usr/bin/crun"),
    )

    assert decide((), candidates=candidates).runtime == "runc"
    assert decide((), candidates=candidates[:1]).runtime == ""


def test_what_could_not_be_evaluated_denies_unless_break_glass():
    assert failed("policy is broken").action == DENY
    assert failed("policy is broken", lifted=True).action == WARN
    assert failed("policy is broken").verdict == UNKNOWN
