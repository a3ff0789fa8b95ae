//! Calls share a result exactly if their arguments are equal, whatever the arguments are.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};

use flowkit::prelude::*;
use flowkit_tests::lab::{Lab, path};
use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;

/// Anything that serde can show, in all the ways that might be taken for each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Tree {
    Unit(()),
    Bool(bool),
    Int(i64),
    Wide(u128),
    Float(f64),
    Char(char),
    Text(String),
    Maybe(Option<Box<Tree>>),
    List(Vec<Tree>),
    Map(HashMap<String, Tree>),
    Set(HashSet<Word>),
}

/// A text with a hash that says nothing, so that the order of a set is that in which it was filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Word(String);

impl Hash for Word {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0.hash(state);
    }
}

impl Tree {
    /// The same value in other forms: maps and sets filled from the other end, and integers of another width.
    fn turned(&self) -> Self {
        match self {
            Self::Int(n) if *n >= 0 => Self::Wide(n.unsigned_abs().into()),
            Self::Wide(n) => i64::try_from(*n).map_or_else(|_| self.clone(), Self::Int),
            Self::Float(x) if *x == 0.0 => Self::Float(-x),
            Self::Maybe(inner) => Self::Maybe(inner.as_ref().map(|inner| Box::new(inner.turned()))),
            Self::List(all) => Self::List(all.iter().map(Self::turned).collect()),
            Self::Map(map) => {
                let sorted: BTreeMap<_, _> = map.iter().collect();
                Self::Map(sorted.into_iter().rev().map(|(name, tree)| (name.clone(), tree.turned())).collect())
            }
            Self::Set(set) => {
                let mut words: Vec<_> = set.iter().cloned().collect();
                words.reverse();
                Self::Set(words.into_iter().collect())
            }
            other => other.clone(),
        }
    }

    /// The one form that all equal values have.
    fn plain(&self) -> Self {
        match self {
            Self::Int(n) if *n >= 0 => self.turned(),
            Self::Maybe(inner) => Self::Maybe(inner.as_ref().map(|inner| Box::new(inner.plain()))),
            Self::List(all) => Self::List(all.iter().map(Self::plain).collect()),
            Self::Map(map) => Self::Map(map.iter().map(|(name, tree)| (name.clone(), tree.plain())).collect()),
            other => other.clone(),
        }
    }
}

fn words() -> impl Strategy<Value = String> {
    select(vec!["", "1", "a", "b", "ab", "true", "null", "]"]).prop_map(str::to_owned)
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Unit(())),
        any::<bool>().prop_map(Tree::Bool),
        (-2_i64..3).prop_map(Tree::Int),
        select(vec![0, 1, 256, u128::MAX]).prop_map(Tree::Wide),
        select(vec![0.0, 1.0, -1.0, 0.1, f64::INFINITY]).prop_map(Tree::Float),
        select(vec!['1', 'a']).prop_map(Tree::Char),
        words().prop_map(Tree::Text),
        Just(Tree::Maybe(None)),
        prop::collection::hash_set(words().prop_map(Word), 0..4).prop_map(Tree::Set),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|tree| Tree::Maybe(Some(Box::new(tree)))),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Tree::List),
            prop::collection::hash_map(words(), inner, 0..3).prop_map(Tree::Map),
        ]
    })
}

#[task(cache = inputs)]
async fn keyed(first: Tree, second: Tree) -> u32 {
    let _ = (first, second);
    7
}

/// Tells whether the second call has the result of the first.
fn shares(one: &(Tree, Tree), other: &(Tree, Tree)) -> bool {
    let lab = Lab::default();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    tokio.expect("a runtime").block_on(lab.run(async {
        for (first, second) in [one, other] {
            keyed(first.clone(), second.clone()).await.expect("it succeeds");
        }
    }));
    path(&lab.tasks("keyed")[1].states()).ends_with("Cached")
}

fn plain((first, second): &(Tree, Tree)) -> (Tree, Tree) {
    (first.plain(), second.plain())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_arguments_share_a_result_whatever_their_form(first in trees(), second in trees()) {
        let other = (first.turned(), second.turned());
        prop_assert!(shares(&(first, second), &other));
    }

    #[test]
    fn other_arguments_never_share_a_result(one in (trees(), trees()), other in (trees(), trees())) {
        prop_assert_eq!(shares(&one, &other), plain(&one) == plain(&other));
    }

    #[test]
    fn values_in_the_other_order_are_other_arguments(first in trees(), second in trees()) {
        let expected = first.plain() == second.plain();
        prop_assert_eq!(shares(&(first.clone(), second.clone()), &(second, first)), expected);
    }
}
