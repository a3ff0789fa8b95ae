//! Which rows somebody asks for: Prefect's filters, over whatever has fields. Pure.

use std::borrow::Cow;

use serde_json::Value;
use uuid::Uuid;

use super::form::Form;
use crate::clock::Timestamp;
use crate::state::StateType;

/// What a row says under the name of a member of a filter.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Field<'a> {
    Nothing,
    Id(Uuid),
    Text(Cow<'a, str>),
    Tags(&'a [String]),
    Time(Timestamp),
    Number(i64),
    Flag(bool),
}

impl<'a> Field<'a> {
    pub(super) fn id(id: Option<impl Into<Uuid>>) -> Self {
        id.map_or(Self::Nothing, |id| Self::Id(id.into()))
    }

    pub(super) fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Nothing, Self::Time)
    }

    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }
}

/// Something that filters can look at.
pub(super) trait Row {
    /// Gives the field of a member: `name`, or `state.type` for what is below another one.
    fn field(&self, member: &str) -> Field<'_>;
}

/// The kinds of members that filters have, which say what can be asked of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Member {
    Id,
    Text,
    Tags,
    Time,
    Number,
    Flag,
    /// Its type and its name.
    State,
}

/// The members of the filters of one kind of rows.
pub(super) type Members = &'static [(&'static str, Member)];

/// Says which rows are meant.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Filter {
    /// One condition is enough.
    any: bool,
    conditions: Vec<Condition>,
}

#[derive(Clone, PartialEq, Debug)]
enum Condition {
    Is(String, Test),
    Group(Filter),
}

#[derive(Clone, PartialEq, Debug)]
enum Test {
    Ids(Vec<Uuid>),
    Texts(Vec<String>),
    HasAll(Vec<String>),
    HasAny(Vec<String>),
    Like(String),
    Nothing(bool),
    Before(Timestamp),
    After(Timestamp),
    AtLeast(i64),
    AtMost(i64),
    Flag(bool),
    Not(Box<Test>),
}

const STATE_TYPES: &[&str] =
    &["SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "CRASHED", "PAUSED", "CANCELLING"];

/// The type that one of the words stands for.
pub(super) fn state_type(word: &str) -> Option<StateType> {
    serde_json::from_value(Value::String(word.to_owned())).ok()
}

/// Takes one of the words for types of states.
pub(super) fn take_state_type(form: &mut Form, name: &str) -> Option<StateType> {
    form.word(name, STATE_TYPES).and_then(state_type)
}

impl Filter {
    /// Reads a filter from its object. Members that rows do not have are mistakes: to leave them out would list too much.
    pub(super) fn read(form: &mut Form, members: Members) -> Self {
        let mut filter = Self { any: form.word("operator", &["and_", "or_"]) == Some("or_"), conditions: Vec::new() };
        for (name, member) in members {
            let conditions = form.within(name, |form| {
                let conditions = conditions(form, name, *member);
                form.nothing_else("This endpoint cannot filter by this");
                conditions
            });
            filter.conditions.extend(conditions.into_iter().flatten());
        }
        form.nothing_else("This endpoint cannot filter by this");
        filter
    }

    /// Tells whether a row is meant.
    pub(super) fn fits(&self, row: &dyn Row) -> bool {
        let fits = |condition: &Condition| match condition {
            Condition::Is(member, test) => test.holds(&row.field(member)),
            Condition::Group(filter) => filter.fits(row),
        };
        if self.any && !self.conditions.is_empty() {
            self.conditions.iter().any(fits)
        } else {
            self.conditions.iter().all(fits)
        }
    }

    /// The ids that a row's member must be among, where the filter says so.
    pub(super) fn ids_of(&self, member: &str) -> Option<&[Uuid]> {
        self.conditions.iter().filter(|_| !self.any).find_map(|condition| match condition {
            Condition::Is(known, Test::Ids(ids)) if known == member => Some(ids.as_slice()),
            _ => None,
        })
    }
}

fn conditions(form: &mut Form, name: &str, member: Member) -> Vec<Condition> {
    let not = |test: Test| Test::Not(Box::new(test));
    let mut tests = Vec::new();
    match member {
        Member::Id => {
            tests.extend(form.ids("any_").map(Test::Ids));
            tests.extend(form.ids("not_any_").map(Test::Ids).map(not));
            tests.extend(form.flag("is_null_").map(Test::Nothing));
        }
        Member::Text => {
            tests.extend(form.texts("any_").map(Test::Texts));
            tests.extend(form.texts("not_any_").map(Test::Texts).map(not));
            tests.extend(form.text("like_").map(|part| Test::Like(part.to_lowercase())));
            tests.extend(form.flag("is_null_").map(Test::Nothing));
        }
        Member::Tags => return vec![Condition::Group(tags(form, name))],
        Member::Time => {
            tests.extend(form.time("before_").map(Test::Before));
            tests.extend(form.time("after_").map(Test::After));
            tests.extend(form.flag("is_null_").map(Test::Nothing));
        }
        Member::Number => {
            tests.extend(form.number("ge_").map(Test::AtLeast));
            tests.extend(form.number("le_").map(Test::AtMost));
        }
        Member::Flag => tests.extend(form.flag("eq_").map(Test::Flag)),
        Member::State => return vec![Condition::Group(state(form, name))],
    }
    tests.into_iter().map(|test| Condition::Is(name.to_owned(), test)).collect()
}

fn tags(form: &mut Form, name: &str) -> Filter {
    let any = form.word("operator", &["and_", "or_"]) == Some("or_");
    let mut tests: Vec<Test> = form.texts("all_").map(Test::HasAll).into_iter().collect();
    tests.extend(form.texts("any_").map(Test::HasAny));
    tests.extend(form.flag("is_null_").map(Test::Nothing));
    Filter { any, conditions: tests.into_iter().map(|test| Condition::Is(name.to_owned(), test)).collect() }
}

fn state(form: &mut Form, name: &str) -> Filter {
    let any = form.word("operator", &["and_", "or_"]) == Some("or_");
    let mut conditions = Vec::new();
    let mut add = |below: &str, words: Option<Vec<String>>, but: Option<Vec<String>>| {
        let member = format!("{name}.{below}");
        conditions.extend(words.map(|words| Condition::Is(member.clone(), Test::Texts(words))));
        conditions.extend(but.map(|words| Condition::Is(member, Test::Not(Box::new(Test::Texts(words))))));
    };
    if let Some((words, but)) =
        form.within("type", |form| (form.words("any_", STATE_TYPES), form.words("not_any_", STATE_TYPES)))
    {
        add("type", words, but);
    }
    if let Some((words, but)) = form.within("name", |form| (form.texts("any_"), form.texts("not_any_"))) {
        add("name", words, but);
    }
    Filter { any, conditions }
}

impl Test {
    /// Nothing fits no test but that for nothing, and what is to be something else, as in SQL.
    fn holds(&self, field: &Field<'_>) -> bool {
        match (self, field) {
            (Self::Nothing(nothing), field) => *nothing == matches!(field, Field::Nothing | Field::Tags([])),
            (Self::Not(test), field) => *field != Field::Nothing && !test.holds(field),
            (Self::Ids(ids), Field::Id(id)) => ids.contains(id),
            (Self::Texts(texts), Field::Text(text)) => texts.iter().any(|known| known == text),
            (Self::Like(part), Field::Text(text)) => text.to_lowercase().contains(part),
            (Self::HasAll(all), Field::Tags(tags)) => all.iter().all(|tag| tags.contains(tag)),
            (Self::HasAny(any), Field::Tags(tags)) => any.iter().any(|tag| tags.contains(tag)),
            (Self::Before(limit), Field::Time(time)) => time <= limit,
            (Self::After(limit), Field::Time(time)) => time >= limit,
            (Self::AtLeast(limit), Field::Number(number)) => number >= limit,
            (Self::AtMost(limit), Field::Number(number)) => number <= limit,
            (Self::Flag(expected), Field::Flag(flag)) => expected == flag,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    struct Example {
        tags: Vec<String>,
    }

    impl Row for Example {
        fn field(&self, member: &str) -> Field<'_> {
            match member {
                "id" => Field::Id(Uuid::from_u128(7)),
                "name" => Field::text("Fond-Squirrel"),
                "tags" => Field::Tags(&self.tags),
                "state.type" => Field::text("RUNNING"),
                "state.name" => Field::text("Retrying"),
                "start_time" => Field::Time(Timestamp::from_unix_micros(0)),
                "level" => Field::Number(20),
                "paused" => Field::Flag(false),
                _ => Field::Nothing,
            }
        }
    }

    const MEMBERS: Members = &[
        ("id", Member::Id),
        ("name", Member::Text),
        ("tags", Member::Tags),
        ("state", Member::State),
        ("start_time", Member::Time),
        ("end_time", Member::Time),
        ("deployment_id", Member::Id),
        ("level", Member::Number),
        ("paused", Member::Flag),
    ];

    fn read(filter: &Value) -> Result<Filter, Vec<String>> {
        let mut form = Form::new(filter);
        let read = Filter::read(&mut form, MEMBERS);
        form.done(filter).map(|()| read).map_err(|reply| {
            let body = reply.body.unwrap_or_default();
            let mistakes = body["exception_detail"].as_array().cloned().unwrap_or_default();
            mistakes.iter().map(|mistake| mistake["loc"].to_string()).collect()
        })
    }

    fn fits(filter: &Value) -> bool {
        let row = Example { tags: vec!["a".into(), "b".into()] };
        read(filter).expect("a filter").fits(&row)
    }

    #[test]
    fn rows_fit_what_they_are() {
        let id = Uuid::from_u128(7).to_string();
        for filter in [
            json!({}),
            json!({"id": {"any_": [id], "not_any_": null}, "end_time": null}),
            json!({"name": {"like_": "squir"}}),
            json!({"name": {"any_": ["x", "Fond-Squirrel"]}}),
            json!({"tags": {"all_": ["a", "b"]}}),
            json!({"tags": {"any_": ["b", "c"]}}),
            json!({"tags": {"operator": "or_", "all_": ["z"], "is_null_": false}}),
            json!({"state": {"operator": "and_", "type": {"any_": ["RUNNING"]}, "name": {"not_any_": ["Running"]}}}),
            json!({"state": {"operator": "or_", "type": {"any_": ["FAILED"]}, "name": {"any_": ["Retrying"]}}}),
            json!({"start_time": {"before_": "1970-01-01T00:00:00Z", "after_": "1969-12-31T00:00:00Z"}}),
            json!({"end_time": {"is_null_": true}}),
            json!({"level": {"ge_": 20, "le_": 20}}),
            json!({"paused": {"eq_": false}}),
            json!({"operator": "or_", "paused": {"eq_": true}, "level": {"ge_": 10}}),
        ] {
            assert!(fits(&filter), "{filter}");
        }
    }

    #[test]
    fn rows_do_not_fit_what_they_are_not() {
        for filter in [
            json!({"id": {"any_": []}}),
            json!({"name": {"any_": ["fond-squirrel"]}}),
            json!({"name": {"not_any_": ["Fond-Squirrel"]}}),
            json!({"tags": {"is_null_": true}}),
            json!({"state": {"type": {"any_": ["FAILED"]}}}),
            json!({"start_time": {"after_": "1970-01-01T00:00:00.000001Z"}}),
            json!({"end_time": {"before_": "2100-01-01T00:00:00Z"}}),
            json!({"deployment_id": {"not_any_": []}}),
            json!({"operator": "or_", "paused": {"eq_": true}, "level": {"ge_": 30}}),
        ] {
            assert!(!fits(&filter), "{filter}");
        }
    }

    fn anything() -> impl Strategy<Value = Value> {
        let names = MEMBERS.iter().map(|(name, _)| *name);
        let words =
            ["any_", "not_any_", "all_", "like_", "is_null_", "before_", "ge_", "eq_", "operator", "or_", "type"];
        let names: Vec<&str> = names.chain(words).chain(["RUNNING", "x"]).collect();
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            proptest::sample::select(names.clone()).prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, move |inner| {
            let members = proptest::collection::hash_map(proptest::sample::select(names.clone()), inner.clone(), 0..5);
            prop_oneof![
                proptest::collection::vec(inner, 0..5).prop_map(Value::from),
                members.prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_answered_or_refused(filter in anything()) {
            let row = Example { tags: Vec::new() };
            if let Ok(filter) = read(&filter) {
                let _ = filter.fits(&row);
            }
        }
    }

    #[test]
    fn what_cannot_be_asked_is_a_mistake_at_its_place() {
        let filter = json!({
            "nope": 1,
            "id": {"any_": ["x"]},
            "state": {"type": {"any_": ["RUNS"]}, "mood": {"any_": []}},
            "text": {"query": "hello"},
            "work_queue_name": {"any_": null},
        });
        let mistakes = [
            r#"["body","id","any_",0]"#,
            r#"["body","state","type","any_",0]"#,
            r#"["body","state","mood"]"#,
            r#"["body","nope"]"#,
            r#"["body","text"]"#,
        ];
        assert_eq!(read(&filter), Err(mistakes.map(str::to_owned).to_vec()));
    }
}
