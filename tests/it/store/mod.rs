//! The conformance suite of the store: every test runs on both dialects, each on a database of its own.
//!
//! To add a test: a function in the file of its subject, and its name in the list below (an unlisted one is dead code, and
//! the compiler says so). Tests that stand alone in `folders`, `group` and `postgres_only` are ordinary ones.

mod bindings;
mod commit;
mod concurrency;
mod conflicts;
mod find;
mod folders;
mod group;
mod hooks;
mod links;
mod migration;
mod outcome;
mod plans;
mod postgres_only;
mod read;
mod record;

macro_rules! conformance {
    ($($run:ident $subject:ident { $($case:ident),+ $(,)? })+) => {
        conformance!(@dialect sqlite Sqlite $($run $subject { $($case)+ })+);
        conformance!(@dialect postgres Postgres $($run $subject { $($case)+ })+);
    };
    (@dialect $name:ident $dialect:ident $($run:ident $subject:ident { $($case:ident)+ })+) => {
        mod $name {
            use crate::support::database::{self, Dialect};
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    database::$run(Dialect::$dialect, super::$subject::$case).await;
                }
            )+)+
        }
    };
}

conformance! {
    run links {
        links_come_with_their_issue_and_not_with_a_repeat_of_it,
        a_link_comes_back_with_every_field_and_follows_its_writes,
        what_is_linked_stays_linked_to_what_it_is_linked_to,
        links_of_comments_are_written_and_deleted,
        deleting_an_issue_deletes_its_links,
        under_a_claim_much_may_be_written_and_nothing_once_it_is_lost,
        a_budget_is_kept_in_every_window_for_all_callers,
        what_waits_for_a_target_is_counted_up_to_a_bound,
        a_link_changes_its_remote_issue_only_with_the_id_it_moved_from,
        what_lists_say_changes_only_what_they_know,
        links_are_found_from_the_other_side,
        every_link_of_an_issues_comments_is_listed,
        links_are_read_by_issue_and_by_name_without_their_bases,
        an_issue_counts_as_requested_while_an_unleased_message_waits,
    }
    run bindings {
        rules_are_written_over_the_edition_that_was_read_and_the_same_rules_change_nothing,
        of_many_leases_and_of_many_first_writes_at_once_one_is_given,
        a_lease_is_given_on_a_due_binding_that_is_neither_paused_nor_leased,
        a_request_during_a_sync_run_waits_for_the_next,
        a_page_is_written_whole_under_the_lease_and_not_at_all_without_it,
    }
    run hooks {
        a_delivery_that_comes_many_times_is_kept_once,
        what_hints_at_something_waits_in_order_until_it_is_followed_and_everything_is_forgotten_in_time,
    }
    run conflicts {
        a_conflict_comes_back_with_every_field_and_is_decided_over_its_edition,
        a_conflict_without_a_cause_is_read_as_its_writer_meant_it,
        a_decision_on_another_edition_is_stale_and_leaves_no_trace,
        of_many_decisions_at_once_one_is_written,
        conflicts_are_listed_newest_first_page_by_page_by_every_filter,
        deleting_an_issue_takes_its_conflicts_along,
    }
    run commit {
        an_issue_with_every_field_set_comes_back,
        an_issue_with_every_optional_field_empty_comes_back,
        every_state_review_and_word_comes_back,
        an_update_writes_every_field_and_clears_every_field,
        a_description_of_a_mebibyte_comes_back,
        what_belongs_to_a_new_issue_is_written_with_it,
        what_belongs_to_an_update_is_written_with_it,
        comments_are_edited_and_deleted_with_their_change,
        deleting_an_issue_takes_everything_along_and_frees_its_key_but_not_its_number,
        a_large_batch_of_every_kind_is_written,
    }
    run outcome {
        an_empty_call_has_no_outcomes,
        outcomes_come_in_the_order_of_the_changes,
        a_stale_change_leaves_no_trace_and_disturbs_no_other,
        of_two_writes_to_one_issue_in_one_call_the_first_is_written,
        a_duplicate_leaves_no_trace_and_answers_the_issue_as_it_is_now,
        a_key_twice_in_one_call_is_one_issue_and_one_duplicate,
        repeats_burn_no_numbers,
        a_claim_settles_its_message_once,
        a_stale_token_settles_nothing_and_writes_nothing,
        a_change_that_is_not_written_settles_nothing,
        a_refused_call_is_broken_and_nothing_of_it_is_written,
    }
    run concurrency {
        fifty_commits_of_one_key_at_once_are_one_issue_and_forty_nine_duplicates,
        overlapping_batches_in_any_order_get_along,
        overlapping_updates_in_any_order_get_along,
        of_two_updates_from_one_version_one_is_written,
        a_caller_that_goes_away_leaves_a_change_whole_or_absent,
    }
    run read {
        issues_are_found_by_id_and_number_in_the_order_asked,
        numbers_are_answered_for_issues_that_exist,
        what_was_filed_is_found_by_its_key_in_the_order_asked,
        events_are_read_page_by_page,
        comments_are_read_page_by_page,
        a_comment_is_found_by_its_id,
        comments_are_found_by_their_ids,
        what_waits_for_review_is_read_page_by_page,
        messages_are_listed_by_state_oldest_first,
        an_unknown_word_is_broken_not_guessed,
    }
    run find {
        every_list_is_what_the_model_says_and_its_pages_join_without_gap_or_repeat,
        a_list_by_words_that_many_have_is_what_the_model_says,
        searches_and_counts_follow_every_edit_remark_and_deletion,
        a_page_ends_before_its_descriptions_outgrow_it,
        the_newest_matches_are_given_and_older_ones_on_request,
        counts_are_exact_while_many_commit_at_once,
        counts_are_exact_where_some_of_a_batch_were_filed_before,
        spellings_of_a_label_are_counted_as_one_and_facets_are_read_page_by_page,
        what_was_filed_is_looked_up_in_the_order_asked,
    }
    run record {
        records_come_back_as_they_were_taken_in_and_once,
        what_belongs_to_another_issue_is_not_taken,
        taking_in_and_filing_at_once_give_no_number_twice,
    }
    run migration {
        migrating_again_changes_nothing,
        a_newer_schema_that_only_adds_is_worked_with_and_left_alone,
        a_newer_schema_that_took_away_what_this_binary_does_without_is_worked_with,
        a_newer_schema_that_took_away_what_this_binary_needs_is_refused,
        a_migration_that_was_changed_is_refused_by_name,
        reopening_keeps_everything,
        a_closed_store_is_unavailable,
    }
    run group {
        every_grouped_caller_gets_its_own_answer,
        one_bad_change_or_row_does_not_sink_the_others,
    }
    run_empty migration {
        a_database_without_a_schema_is_refused_until_it_is_migrated,
        a_schema_that_lacks_a_migration_is_refused_until_it_is_migrated,
        many_processes_may_migrate_at_once,
    }
}
