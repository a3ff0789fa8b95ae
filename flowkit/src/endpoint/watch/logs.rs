//! Log records.

use serde_json::{Value, json};

use crate::endpoint::filter::Filter;
use crate::endpoint::form::Form;
use crate::endpoint::program::Program;
use crate::endpoint::reply::Reply;
use crate::endpoint::{rows, show};

/// Which log records somebody asks for, and how far they have been told.
#[derive(Debug)]
pub(super) struct Logs {
    filter: Filter,
    /// The number of the first record that has not been told.
    next: u64,
}

impl Logs {
    /// Reads a `LogFilter`.
    pub(super) fn read(filter: &Value) -> Result<Self, Reply> {
        let mut form = Form::new(filter);
        let read = Filter::read(&mut form, rows::LOG);
        form.done(filter).map(|()| Self { filter: read, next: 0 })
    }

    /// The records that have not been told, as messages.
    pub(super) fn news(&mut self, program: &dyn Program) -> Vec<Value> {
        let mut news = Vec::new();
        self.next = program.history().logs_from(self.next, &mut |record| {
            if self.filter.fits(record) {
                news.push(json!({ "type": "log", "log": show::log(record) }));
            }
        });
        news
    }
}
