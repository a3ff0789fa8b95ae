//! Whatever a program does, its runs keep the rules.

mod random;

use std::time::Duration;

use flowkit_tests::lab::Lab;
use proptest::prelude::*;
use random::program::{Node, Way, node, way};
use random::rules;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_program_keeps_the_rules(nodes in prop::collection::vec(node(), 1..5), way in way(), retries in 0..2_u32) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let lab = Lab::default();
        let root = Node::Flow { nodes, way, retries, timeout: None, fails: false };
        runtime.expect("a runtime").block_on(async {
            let whole_day = Duration::from_secs(24 * 3600);
            let ended = tokio::time::timeout(whole_day, lab.run(random::program::run(vec![root]))).await;
            assert!(ended.is_ok(), "the program ends");
            if matches!(way, Way::Await | Way::Submit) {
                // The outermost flow has ended just now, and nothing else has had a turn since.
                lab.all_tasks().iter().for_each(|run| rules::check_ended(run));
            } else {
                // What was stopped from outside of any flow ends when it gets a turn.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        for run in lab.all_tasks() {
            rules::check_task(&run);
        }
        for run in lab.all_flows() {
            rules::check_flow(&run, &lab.all_tasks(), &lab.all_flows());
        }
        prop_assert!(!lab.all_flows().is_empty());
    }
}
