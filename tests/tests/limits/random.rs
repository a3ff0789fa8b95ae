//! Whatever many wish for, and however they give up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowkit::{Runtime, concurrency, limit};
use proptest::prelude::*;
use tokio::time::sleep;

use super::crowd::taken;

#[derive(Clone, Debug)]
struct Wish {
    names: Vec<&'static str>,
    slots: u32,
    comes: u64,
    stays: u64,
    /// When it gives up, waiting or not.
    gives_up: Option<u64>,
}

fn wish() -> impl Strategy<Value = Wish> {
    let names = prop::sample::subsequence(vec!["a", "b", "c"], 1..=3);
    (names, 1..4_u32, 0..50_u64, 0..20_u64, prop::option::weighted(0.3, 0..60_u64))
        .prop_map(|(names, slots, comes, stays, gives_up)| Wish { names, slots, comes, stays, gives_up })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_limit_is_never_exceeded_and_nothing_leaks(wishes in prop::collection::vec(wish(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let limits = BTreeMap::from([("a", 3), ("b", 4), ("c", 5)]);
        let most = runtime.expect("a runtime").block_on(Runtime::ephemeral().run(async {
            for (name, slots) in &limits {
                limit::set(*name, *slots).await.expect("it is set");
            }
            let inside = Arc::new(Mutex::new(BTreeMap::<&str, (u32, u32)>::new()));
            let each = wishes.iter().map(|wish| {
                let inside = Arc::clone(&inside);
                async move {
                    sleep(Duration::from_millis(wish.comes)).await;
                    let work = async {
                        let _slots = concurrency(wish.names.as_slice(), wish.slots).await.expect("they come");
                        let _inside = Inside::enter(&inside, wish);
                        sleep(Duration::from_millis(wish.stays)).await;
                    };
                    match wish.gives_up {
                        Some(after) => drop(tokio::time::timeout(Duration::from_millis(after), work).await),
                        None => work.await,
                    }
                }
            });
            tokio::time::timeout(Duration::from_secs(60), futures::future::join_all(each)).await.expect("all of them end");
            for name in limits.keys() {
                assert_eq!((taken(name).await, limit::holders(*name).await.expect("it is there").len()), (0, 0));
            }
            Arc::into_inner(inside).expect("nobody is inside").into_inner().expect("counts")
        }));
        for (name, (now, most)) in most {
            prop_assert_eq!(now, 0);
            prop_assert!(most <= limits[name], "{} of {}", most, name);
        }
    }
}

/// Counts somebody who holds slots, until it is dropped.
struct Inside<'a>(&'a Mutex<BTreeMap<&'static str, (u32, u32)>>, &'a Wish);

impl<'a> Inside<'a> {
    fn enter(counts: &'a Mutex<BTreeMap<&'static str, (u32, u32)>>, wish: &'a Wish) -> Self {
        for name in &wish.names {
            let mut counts = counts.lock().expect("counts");
            let (now, most) = counts.entry(name).or_default();
            *now += wish.slots;
            *most = (*most).max(*now);
        }
        Self(counts, wish)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        for name in &self.1.names {
            self.0.lock().expect("counts").entry(name).or_default().0 -= self.1.slots;
        }
    }
}
