//! Names of runs, and tags.

use flowkit::tags;

use crate::suite::common::*;
use crate::suite::prelude::*;

#[task(run_name = "page {number} of {site}", tags = ["net", "a"])]
async fn fetch(site: String, number: u32) -> String {
    format!("{site}/{number}")
}

#[task(name = "given name")]
async fn renamed() {}

#[flow(name = "Nightly report", run_name = "report {day}", tags = ["daily"])]
async fn report(day: u32) -> flowkit::Result<u32> {
    double(day).await
}

const VALUE: Options = Options::new().run_name("value {number}").tags(&["value"]);

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        scene(
            "a_task_run_is_named_by_its_template",
            || async { fetch("b.org", 7).await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              page 7 of b.org [a net]: Pending > Running > Completed
            = Ok("b.org/7")
        "#]],
        ),
        scene(
            "the_name_of_a_call_beats_the_template_of_the_definition",
            || async { fetch("b", 7).name("n {number}").await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  n 7 [a net]: Pending > Running > Completed
                = Ok("b/7")
            "#]],
        ),
        scene(
            "an_options_value_names_and_tags_runs",
            || async { fetch("b", 7).with(VALUE).await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              value 7 [a net value]: Pending > Running > Completed
            = Ok("b/7")
        "#]],
        ),
        scene(
            "the_name_of_a_call_beats_the_one_of_an_options_value",
            || async { fetch("b", 7).with(VALUE).name("call {number}").await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  call 7 [a net value]: Pending > Running > Completed
                = Ok("b/7")
            "#]],
        ),
        scene(
            "a_template_is_rendered_with_an_argument_that_came_as_a_future",
            || async {
                let number = double(4).name("number").submit();
                fetch("b", &number).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  number: Pending > Running > Completed
                  page 8 of b [a net] (number <- number): Pending > Running > Completed
                = Ok("b/8")
            "#]],
        ),
        scene(
            "a_template_that_names_no_argument_fails_the_run_before_it_starts",
            || async { fetch("b", 7).name("{page}").await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: the run name template "{page}" names `page`, which is no argument (arguments: site, number))
                  fetch-* [a net]: Pending > Failed(Task run could not be started: the run name template "{page}" names `page`, which is no argument (arguments: site, number))
                = Err(flow run '~scene~' failed: the run name template "{page}" names `page`, which is no argument (arguments: site, number))
            "#]],
        ),
        scene(
            "a_task_with_a_name_of_its_own_is_called_so",
            || async { renamed().await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              given name-*: Pending > Running > Completed
            = Ok(())
        "#]],
        ),
        scene(
            "braces_in_a_name_are_written_twice",
            || async { double(7).name("{{n}} is {n}").await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              {n} is 7: Pending > Running > Completed
            = Ok(14)
        "#]],
        ),
        flow(
            "a_flow_run_is_named_and_tagged_by_its_definition",
            || report(7),
            expect![[r#"
            flow Nightly report "report 7" [daily] {"day":7}: Pending > Running > Completed
              double-*: Pending > Running > Completed
            = Ok(14)
        "#]],
        ),
        flow(
            "the_name_and_tags_of_a_call_of_a_flow",
            || report(7).name("day {day}!").tags(["late", "daily"]),
            expect![[r#"
                flow Nightly report "day 7!" [daily late] {"day":7}: Pending > Running > Completed
                  double-*: Pending > Running > Completed
                = Ok(14)
            "#]],
        ),
        flow(
            "a_flow_template_that_names_no_parameter_fails_the_run_before_its_body",
            || report(7).name("{week}"),
            expect![[r#"
                flow Nightly report [daily] {"day":7}: Pending > Failed(Flow run could not be started: the run name template "{week}" names `week`, which is no argument (arguments: day))
                = Err(the run name template "{week}" names `week`, which is no argument (arguments: day))
            "#]],
        ),
        flow(
            "an_unnamed_flow_run_has_a_name_of_two_words",
            || child(7),
            expect![[r#"
            flow child {"n":7}: Pending > Running > Completed
              double-*: Pending > Running > Completed
            = Ok(14)
        "#]],
        ),
        scene(
            "tags_of_definition_and_call_add_up_without_doubles",
            || async { fetch("b", 7).tags(["z", "net"]).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  page 7 of b [a net z]: Pending > Running > Completed
                = Ok("b/7")
            "#]],
        ),
        scene(
            "tags_of_a_scope_add_to_those_of_tasks",
            || async { tags(["scope", "net"]).scope(async { fetch("b", 7).await }).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  page 7 of b [a net scope]: Pending > Running > Completed
                = Ok("b/7")
            "#]],
        ),
        scene(
            "tags_of_nested_scopes_add_up",
            || async { tags(["outer"]).scope(async { tags(["inner"]).scope(async { double(1).await }).await }).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-* [inner outer]: Pending > Running > Completed
                = Ok(2)
            "#]],
        ),
        scene(
            "tags_of_a_scope_reach_submitted_and_mapped_tasks",
            || async {
                tags(["scope"])
                    .scope(async {
                        let one = double(1).submit();
                        flowkit::map(1..=2, triple).await?;
                        one.await
                    })
                    .await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-* [scope]: Pending > Running > Completed
                  2 x triple-* [scope]: Pending > Running > Completed
                = Ok(2)
            "#]],
        ),
        scene(
            "tags_of_a_scope_reach_a_subflow_and_what_is_in_it",
            || async { tags(["scope"]).scope(async { child(1).await }).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  child-0: Pending > Pending > Running > Completed
                    flow child [scope] {"n":1}: Pending > Running > Completed
                      double-* [scope]: Pending > Running > Completed
                = Ok(2)
            "#]],
        ),
        behaviour(
            "tags_of_a_scope_around_a_flow_reach_it_and_its_tasks",
            |stage| async move { tags(["scope"]).scope(async { stage.flow(report(1)).await }).await },
            expect![[r#"
                flow Nightly report "report 1" [daily scope] {"day":1}: Pending > Running > Completed
                  double-* [scope]: Pending > Running > Completed
                = Ok(2)
            "#]],
        ),
        scene(
            "tags_of_a_flow_are_not_those_of_its_tasks",
            || async { report(3).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  Nightly report-0: Pending > Pending > Running > Completed
                    flow Nightly report "report 3" [daily] {"day":3}: Pending > Running > Completed
                      double-*: Pending > Running > Completed
                = Ok(6)
            "#]],
        ),
    ]
}
