"""Wrong inputs about brokers, each with the tests that stand for it: one that goes away is missed here."""

from importlib import import_module

import pytest

CERTIFICATION, SERVICE, MANDATES = (
    "brokers.test_certification",
    "brokers.test_service",
    "brokers.mandates.test_mandates",
)
VERIFYING = "brokers.credential.test_verifying"
WRONG = {
    "overlapping certificates": [
        (SERVICE, "test_no_second_certificate_stands_beside_one_that_is_in_force_or_suspended"),
        (SERVICE, "test_two_certificates_at_once_for_one_broker_are_one"),
        (CERTIFICATION, "test_one_application_at_a_time_and_none_beside_a_certificate_or_beyond_a_grade"),
    ],
    "a forged credential": [
        (VERIFYING, "test_what_was_changed_after_it_was_signed_is_forged"),
        (VERIFYING, "test_somebody_else_s_signature_under_the_issuer_s_name_is_no_credential"),
        (VERIFYING, "test_one_changed_byte_of_a_credential_or_a_list_is_never_taken"),
    ],
    "a credential of a foreign issuer": [
        (VERIFYING, "test_a_foreign_issuer_s_credential_is_one_whatever_it_says"),
        (VERIFYING, "test_an_issuer_is_believed_from_its_first_day_to_its_last"),
    ],
    "a mandate signed by the wrong person": [
        (MANDATES, "test_the_wrong_organisation_and_the_wrong_role_sign_nothing"),
        (MANDATES, "test_one_natural_person_does_not_sign_for_both_sides"),
        (MANDATES, "test_who_signs_for_the_broker_is_on_record_and_no_namesake_of_an_unknown_client"),
    ],
    "a back-dated document": [
        (MANDATES, "test_a_document_of_another_day_is_refused"),
        (CERTIFICATION, "test_the_ledgers_day_beats_the_date_a_document_bears"),
        (
            "brokers.test_practice",
            "test_without_a_report_the_clock_suspends_on_1_april_and_a_date_on_paper_does_not_help",
        ),
        ("supervision.test_certificates", "test_a_certificate_entered_later_does_not_cover_what_came_before"),
        ("supervision.test_certificates", "test_a_back_dated_paper_does_not_help"),
    ],
    "a status list that was tampered with": [
        (VERIFYING, "test_a_list_that_was_tampered_with_is_forged"),
        (VERIFYING, "test_a_list_of_another_issuer_does_not_speak_of_ours"),
        (VERIFYING, "test_a_list_under_another_name_is_another_list"),
    ],
    "a stale status list": [
        (VERIFYING, "test_a_list_grows_stale_and_is_asked_for_anew_before_that"),
        (VERIFYING, "test_a_list_from_the_future_is_not_believed_but_for_two_clocks_difference"),
        (VERIFYING, "test_of_two_lists_of_one_name_the_newer_one_counts"),
    ],
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_test_stands_for_each_wrong_input(wrong):
    for module, name in WRONG[wrong]:
        assert callable(getattr(import_module(f"tests.{module}"), name, None)), name
