//! What concurrency limits do on every backend. The names begin with a prefix, so that a server can be shared.

use std::time::Duration;

use flowkit::limit::ConcurrencyLimit;
use flowkit::{Error, ErrorKind, concurrency, limit, rate_limit};

/// Everything at once, in the order in which a reader would try it.
pub(crate) async fn hold(prefix: &str) {
    what_is_set_is_read(prefix).await;
    slots_are_held_until_they_are_given_back(prefix).await;
    of_several_limits_all_or_none_are_taken(prefix).await;
    one_that_is_off_or_missing_limits_nothing(prefix).await;
    what_cannot_be_is_refused(prefix).await;
}

async fn taken(name: &str) -> u32 {
    limit::read(name).await.expect("it is there").active_slots
}

async fn what_is_set_is_read(prefix: &str) {
    let name = format!("{prefix}-read ü");
    limit::create(&name, 5).await.expect("it is new");
    let error = limit::create(&name, 6).await.expect_err("it is there");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(error.to_string(), format!("concurrency limit `{name}` exists already: `limit::set` changes it"));
    let read = limit::read(&name).await.expect("it is there");
    assert_eq!((read.limit, read.active, read.slot_decay_per_second, read.active_slots), (5, true, 0.0, 0));
    assert!(read.created.unix_micros() > 0);

    limit::set(&name, 7).slot_decay_per_second(0.5).await.expect("it is changed");
    limit::set_active(&name, false).await.expect("it is switched off");
    limit::set(&name, 8).await.expect("it is changed");
    let read = limit::read(&name).await.expect("it is there");
    assert_eq!((read.limit, read.active, read.slot_decay_per_second), (8, false, 0.5), "the rest stays");
    let listed: Vec<ConcurrencyLimit> = limit::list().await.expect("limits");
    assert_eq!(listed.iter().filter(|one| one.name == name).collect::<Vec<_>>(), [&read]);

    assert!(limit::delete(&name).await.expect("it is removed"));
    assert!(!limit::delete(&name).await.expect("it is gone"));
    for error in [
        limit::read(&name).await.map(drop).expect_err("it is gone"),
        limit::set_active(&name, true).await.expect_err("it is gone"),
        limit::holders(&name).await.map(drop).expect_err("it is gone"),
    ] {
        assert!(error.is_not_found());
        let why = format!("there is no concurrency limit `{name}`: `limit::set(\"{name}\", ..)` makes one");
        assert_eq!(error.to_string(), why);
    }
}

async fn slots_are_held_until_they_are_given_back(prefix: &str) {
    let name = format!("{prefix}-held");
    limit::set(&name, 5).await.expect("it is set");
    let first = concurrency(&name, 2).await.expect("there are five");
    let second = concurrency(&name, 3).strict(true).await.expect("there are three");
    assert_eq!((first.names(), first.slots(), first.is_lost()), (std::slice::from_ref(&name), 2, false));
    assert_eq!(taken(&name).await, 5);
    let error = concurrency(&name, 1).timeout("0s").await.expect_err("there is none");
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), format!("1 slot of concurrency limit `{name}` was not free within 0ns"));
    first.release().await.expect("they are given back");
    assert_eq!(taken(&name).await, 3);
    let third = concurrency(&name, 2).await.expect("there are two again");
    drop((second, third));
    // Whoever waits gets what was dropped.
    let all = concurrency(&name, 5).await.expect("they come back");
    all.release().await.expect("they are given back");
    assert_eq!(taken(&name).await, 0);
}

async fn of_several_limits_all_or_none_are_taken(prefix: &str) {
    let [a, b] = ["a", "b"].map(|of| format!("{prefix}-both-{of}"));
    limit::set(&a, 3).await.expect("it is set");
    limit::set(&b, 1).await.expect("it is set");
    let held = concurrency(&b, 1).await.expect("there is one");
    let error = concurrency([&a, &b], 1).timeout("0s").await.expect_err("there is none of b");
    assert_eq!(error.to_string(), format!("1 slot of concurrency limits `{a}`, `{b}` was not free within 0ns"));
    assert_eq!((taken(&a).await, taken(&b).await), (0, 1));
    held.release().await.expect("it is given back");
    let both = concurrency([b.as_str(), &a, &b], 1).await.expect("there is one of each");
    assert_eq!((taken(&a).await, taken(&b).await, both.names().len()), (1, 1, 2));
    both.release().await.expect("they are given back");
    assert_eq!((taken(&a).await, taken(&b).await), (0, 0));
}

async fn one_that_is_off_or_missing_limits_nothing(prefix: &str) {
    let (off, missing) = (format!("{prefix}-off"), format!("{prefix}-missing"));
    limit::set(&off, 1).active(false).await.expect("it is set");
    let first = concurrency(&off, 1).await.expect("it is off");
    let second = concurrency(&off, 7).timeout("1s").await.expect("it is off");
    drop((first, second));

    let guard = concurrency(&missing, 3).await.expect("there is only a warning");
    assert_eq!((guard.names().len(), guard.slots()), (0, 0));
    guard.release().await.expect("there is nothing to give back");
    rate_limit(&missing, 3).await.expect("there is only a warning");
    let nothing: [&str; 0] = [];
    drop(concurrency(nothing, 1).await.expect("nothing is asked for"));
    for result in [
        concurrency(&missing, 1).strict(true).await.map(drop),
        rate_limit(&missing, 1).strict(true).await,
        concurrency([&off, &missing], 1).strict(true).await.map(drop),
    ] {
        let error = result.expect_err("it is strict");
        assert!(error.is_not_found());
        let why = format!("there is no concurrency limit `{missing}`: `limit::set(\"{missing}\", ..)` makes one");
        assert_eq!(error.to_string(), why);
    }
    limit::set_active(&off, true).await.expect("it is switched on");
    concurrency(&off, 1)
        .timeout("5s")
        .await
        .expect("what was refused has taken nothing")
        .release()
        .await
        .expect("back");
}

async fn what_cannot_be_is_refused(prefix: &str) {
    let [few, none] = ["few", "none"].map(|of| format!("{prefix}-{of}"));
    limit::set(&few, 2).await.expect("it is set");
    limit::set(&none, 0).await.expect("it is set");
    let refused = |result: Result<(), Error>, kind, why: String| {
        let error = result.expect_err(&why);
        assert_eq!((error.kind(), error.to_string()), (kind, why));
    };
    let of = async |name: &str, slots| concurrency(name, slots).await.map(drop);
    let why = format!("3 slots of concurrency limit `{few}` are wanted, and there are only 2");
    refused(of(&few, 3).await, ErrorKind::Refused, why);
    refused(
        of(&none, 1).await,
        ErrorKind::Refused,
        format!("concurrency limit `{none}` is 0: nobody gets a slot of it"),
    );
    let why = "0 slots of a concurrency limit are wanted: at least 1 is accepted";
    refused(of(&few, 0).await, ErrorKind::Input, why.to_owned());
    let why = format!("concurrency limit `{few}` has no slot decay, which a rate limit needs: ");
    let how = format!("`limit::set(\"{few}\", 2).slot_decay_per_second(..)` sets one");
    refused(rate_limit(&few, 1).await, ErrorKind::Refused, format!("{why}{how}"));

    let accepted = "any characters but `/`, `%`, `&`, `>` and `<` are accepted";
    let why = format!("`a/b` cannot be the name of a concurrency limit because of '/': {accepted}");
    for result in [of("a/b", 1).await, limit::set("a/b", 1).await, limit::delete("a/b").await.map(drop)] {
        refused(result, ErrorKind::Input, why.clone());
    }
    let why = "a lease of 59s on slots is wanted: 60 seconds to one day are accepted";
    refused(concurrency(&few, 1).lease("59s").await.map(drop), ErrorKind::Input, why.to_owned());
    let why = format!("the slot decay of concurrency limit `{few}` is -1: 0 and more per second are accepted");
    refused(limit::set(&few, 1).slot_decay_per_second(-1.0).await, ErrorKind::Input, why);
    let error = concurrency(&few, 1).timeout("soon").await.map(drop).expect_err("it is no duration");
    assert_eq!(error.kind(), ErrorKind::Definition);
    concurrency(&few, 2)
        .timeout(Duration::from_secs(5))
        .await
        .expect("nothing was taken")
        .release()
        .await
        .expect("back");
}
