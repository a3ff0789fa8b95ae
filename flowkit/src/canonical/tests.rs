use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};

use serde::Serialize;
use serde_json::json;

use super::*;

fn key(value: &impl Serialize) -> Fingerprint {
    let mut canonical = Canonical::default();
    canonical.write(value).expect("it can be written");
    canonical.finish()
}

#[derive(Serialize)]
struct Forth {
    a: u8,
    b: &'static str,
}

#[derive(Serialize)]
struct Back {
    b: String,
    a: i64,
}

#[derive(Serialize)]
enum Shape {
    Empty,
    One(u8),
    Two(u8, u8),
    Named { a: u8 },
}

#[test]
fn the_width_of_a_number_does_not_matter() {
    let one = key(&1_u8);
    for other in [key(&1_i8), key(&1_u64), key(&1_i128), key(&1_u128), key(&std::num::NonZeroU16::MIN)] {
        assert_eq!(one, other);
    }
    assert_eq!(key(&-1_i8), key(&-1_i64));
    assert_eq!(key(&1.5_f32), key(&1.5_f64));
    assert_eq!(key(&0.0), key(&-0.0));
}

#[test]
fn the_order_of_maps_fields_and_sets_does_not_matter() {
    let (forth, back) = (Forth { a: 1, b: "x" }, Back { b: "x".into(), a: 1 });
    assert_eq!(key(&forth), key(&back));
    assert_eq!(key(&forth), key(&json!({"b": "x", "a": 1})));
    let hashed: HashMap<u32, Vec<u32>> = (0..100).map(|n| (n, vec![n])).collect();
    let sorted: BTreeMap<u32, Vec<u32>> = hashed.clone().into_iter().collect();
    assert_eq!(key(&hashed), key(&sorted));
    let forwards: Vec<HashSet<u32>> = vec![(0..100).collect()];
    let backwards: Vec<HashSet<u32>> = vec![(0..100).rev().collect()];
    assert_eq!(key(&forwards), key(&backwards));
    assert_eq!(key(&BinaryHeap::from([3, 1, 2])), key(&BinaryHeap::from([1, 2, 3])));
    assert_ne!(key(&[1, 2]), key(&[2, 1]));
    assert_ne!(key(&BTreeSet::from([1])), key(&BTreeSet::from([2])));
}

#[test]
fn kinds_and_borders_never_collide() {
    let all = [
        key(&1),
        key(&-1),
        key(&1.0),
        key(&"1"),
        key(&'1'),
        key(&true),
        key(&false),
        key(&()),
        key(&None::<u8>),
        key(&Some(1)),
        key(&Some(Some(1))),
        key(&[1]),
        key(&[[1]]),
        key(&Vec::<u8>::new()),
        key(&BTreeMap::<u8, u8>::new()),
        key(&BTreeMap::from([(1, 1)])),
        key(&HashSet::from([1])),
        key(&("a", "bc")),
        key(&("ab", "c")),
        key(&(["a"], ["b"])),
        key(&(["a", "b"], [""; 0])),
        key(&Shape::Empty),
        key(&Shape::One(1)),
        key(&Shape::Two(1, 1)),
        key(&Shape::Named { a: 1 }),
        key(&"Empty"),
        key(&f64::NAN),
        key(&f64::INFINITY),
        key(&256),
        key(&(1, 0)),
        key(&0),
        key(&u128::MAX),
    ];
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
}

#[test]
fn large_values_are_hashed_in_pieces_and_as_a_whole() {
    let long: Vec<u32> = (0..20_000).collect();
    let mut other = long.clone();
    other[19_999] = 0;
    assert_ne!(key(&long), key(&other));
    let in_map = BTreeMap::from([("long", &long)]);
    assert_eq!(key(&in_map), key(&json!({ "long": long })));
}

#[test]
fn what_cannot_be_written_says_why() {
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not today"))
        }
    }
    assert_eq!(Canonical::default().write(&[Refuses]), Err(Unserializable("not today".into())));
}
