//! Stand-ins for the bodies of tasks, as tests set them.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::ptr;
use std::sync::{Arc, Mutex, OnceLock};

use futures::future::BoxFuture;

use crate::canonical::{Canonical, Unserializable};
use crate::def::TaskDef;
use crate::engine::attempt::Started;
use crate::engine::body::{Body, boxed};
use crate::error::Error;
use crate::returns::Returns;
use crate::run::{TaskInputs, lock};
use crate::user_error::UserError;

/// What runs in the place of a body.
pub(crate) type Stub<T> = Box<dyn FnMut() -> Result<T, UserError> + Send>;

/// The stand-ins of one runtime. Nothing is made, and next to nothing asked, where there is none.
#[derive(Default)]
pub(crate) struct Stubs(OnceLock<Mutex<HashMap<usize, Box<dyn Any + Send>>>>);

/// Two tasks never share a declaration, which is a static of its own.
fn key(def: &'static TaskDef) -> usize {
    ptr::from_ref(def).addr()
}

impl Stubs {
    /// Sets the stand-in of a task; the last one counts.
    pub(crate) fn set<T: 'static>(&self, def: &'static TaskDef, stub: Stub<T>) {
        let stub: Arc<Mutex<Stub<T>>> = Arc::new(Mutex::new(stub));
        lock(self.0.get_or_init(Mutex::default)).insert(key(def), Box::new(stub));
    }

    /// Puts the stand-in of a task, if it has one, in the place of its body.
    pub(crate) fn over<T: 'static>(&self, def: &'static TaskDef, body: Box<dyn Body<T>>) -> Box<dyn Body<T>> {
        let Some(stubs) = self.0.get() else { return body };
        let stub = lock(stubs).get(&key(def)).and_then(|stub| stub.downcast_ref::<Arc<Mutex<Stub<T>>>>()).cloned();
        match stub {
            Some(stub) => Box::new(Stubbed { body, stub }),
            None => body,
        }
    }
}

impl fmt::Debug for Stubs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stubs").field(&self.0.get().map_or(0, |stubs| lock(stubs).len())).finish()
    }
}

/// A body of which only the arguments are used.
struct Stubbed<T> {
    body: Box<dyn Body<T>>,
    stub: Arc<Mutex<Stub<T>>>,
}

impl<T: 'static> Body<T> for Stubbed<T> {
    fn is_named(&self) -> bool {
        self.body.is_named()
    }
    fn own_name(&self) -> Option<String> {
        self.body.own_name()
    }
    fn has_inputs(&self) -> bool {
        self.body.has_inputs()
    }

    fn take_inputs(&mut self) -> Option<TaskInputs> {
        self.body.take_inputs()
    }

    fn resolve(&mut self) -> Option<BoxFuture<'_, Result<(), Error>>> {
        self.body.resolve()
    }

    fn start(&mut self, _another_may_follow: bool) -> Started<T> {
        let stub = Arc::clone(&self.stub);
        boxed(async move { (lock(&stub))() })
    }

    fn can_repeat(&self) -> bool {
        true
    }

    fn show(&self, index: usize) -> Option<String> {
        self.body.show(index)
    }

    fn write(&self, index: usize, out: &mut Canonical) -> Option<Result<(), Unserializable>> {
        self.body.write(index, out)
    }

    fn returns(&self) -> &'static Returns<T> {
        self.body.returns()
    }

    fn cache_key(&self) -> Option<Option<String>> {
        self.body.cache_key()
    }
}
