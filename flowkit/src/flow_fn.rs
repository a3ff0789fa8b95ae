//! What can be done with a flow's function besides calling it.

use std::any::TypeId;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::arguments::Inputs;
use crate::def::FlowDef;
use crate::deploy::Target;
use crate::deployment::{Check, DeploymentCall, Draft};
use crate::engine::body::Body;
use crate::engine::flow_run::FlowJob;
use crate::error::{Error, ErrorKind};
use crate::flow::FlowCall;
use crate::input::Input;
use crate::parameters;
use crate::registry::{self, FlowStart};
use crate::run_deployment::RunDeployment;
use crate::serve::ServeCall;

/// The parameters of a flow, a tuple of plain values.
pub trait FlowParams: Send + 'static {
    #[doc(hidden)]
    type Inputs: Inputs<Values = Self>;
    #[doc(hidden)]
    fn to_json(&self, def: &FlowDef) -> Value;
    #[doc(hidden)]
    fn into_inputs(self) -> Self::Inputs;
    #[doc(hidden)]
    fn from_json(given: Map<String, Value>, def: &FlowDef) -> Result<Self, Error>
    where
        Self: Sized;
    #[doc(hidden)]
    fn check(given: &Map<String, Value>, def: &FlowDef) -> Result<(), Error>;
}

/// A function made by `#[flow]`. `M` stands for its signature and is inferred.
pub trait FlowFn<M>: Sized {
    /// What the flow returns.
    type Output;

    /// Returns the declaration of the flow.
    ///
    /// # Errors
    /// An error of kind [`ErrorKind::Definition`] if the function was not made by `#[flow]`.
    fn def(&self) -> Result<&'static FlowDef, Error>;

    /// Returns the JSON schema of the parameters, in the form that Prefect's UI reads.
    ///
    /// # Errors
    /// As [`def`](FlowFn::def).
    fn schema(&self) -> Result<Value, Error>;

    /// Makes a call with parameters in JSON, an object; what is left out takes its default.
    ///
    /// Parameters that do not fit end the run as Failed before its body starts, with an error that names the
    /// path of what is wrong.
    fn with_parameters(&self, parameters: Value) -> FlowCall<Self::Output>;

    /// Describes a deployment of the flow, which `.await` registers.
    ///
    /// Parameters and schedules are checked as they are set; the first mistake is the error of the `.await`.
    fn deployment(&self, name: impl Into<String>) -> DeploymentCall;

    /// Starts a run of the flow's deployment of this name, which another process serves: see
    /// [`run_deployment`](crate::run_deployment). Parameters are checked against the flow's types before they are sent.
    fn run_deployment(&self, name: impl Into<String>) -> RunDeployment;

    /// Describes a deployment of the flow, which `.await` registers and serves: see [`ServeCall`].
    fn serve(&self, name: impl Into<String>) -> ServeCall {
        ServeCall::from(self.deployment(name))
    }
}

/// Runs a flow with parameters in JSON and forgets its value.
pub(crate) fn call_with<M, F>(flow: &F, start: FlowStart) -> BoxFuture<'static, Result<(), Error>>
where
    F: FlowFn<M>,
    F::Output: Send + 'static,
{
    let mut call = flow.with_parameters(start.parameters);
    call.job.existing = start.existing;
    async move { call.await.map(drop) }.boxed()
}

fn def_of<F: 'static>() -> Result<&'static FlowDef, Error> {
    registry::flow_of(TypeId::of::<F>()).ok_or_else(|| {
        let why = format!("`{}` is not a function made by #[flow]", std::any::type_name::<F>());
        Error::new(ErrorKind::Definition, why)
    })
}

/// The declaration that a call of something that is no flow is reported under.
static UNKNOWN: FlowDef = FlowDef::new("unknown", "unknown", "", &[]);

fn refused<T>(def: &'static FlowDef, parameters: Value, error: Error) -> FlowCall<T> {
    let parameters = if parameters.is_object() { parameters } else { Value::Object(Map::new()) };
    let body: Result<Box<dyn Body<T>>, Error> = Err(error);
    FlowCall { job: FlowJob { def, body, parameters, overrides: None, wait_for: Vec::new(), existing: None } }
}

macro_rules! flows {
    ($($name:ident),*) => {
        #[allow(non_snake_case, unused_mut, unused_variables, clippy::unused_unit, reason = "one macro for every number, none included")]
        impl<$($name: Serialize + DeserializeOwned + Send + 'static),*> FlowParams for ($($name,)*) {
            type Inputs = ($(Input<$name>,)*);

            fn to_json(&self, def: &FlowDef) -> Value {
                let ($($name,)*) = self;
                let mut object = Map::new();
                let mut params = def.params.iter();
                $(if let Some(param) = params.next() {
                    object.insert(param.name.to_owned(), serde_json::to_value($name).unwrap_or_default());
                })*
                Value::Object(object)
            }

            fn into_inputs(self) -> Self::Inputs {
                let ($($name,)*) = self;
                ($(Input::from($name),)*)
            }

            fn from_json(mut given: Map<String, Value>, def: &FlowDef) -> Result<Self, Error> {
                let mut mistakes = parameters::Mistakes::default();
                mistakes.keep(parameters::no_unknown(&given, def));
                let mut params = def.params.iter();
                $(let $name = {
                    let param = params.next().ok_or_else(|| Error::new(ErrorKind::Definition, "a parameter has no name"))?;
                    mistakes.keep(parameters::read::<$name>(&mut given, param))
                };)*
                if let Some(error) = mistakes.into_error() {
                    return Err(error);
                }
                let missing = || Error::new(ErrorKind::Parameters, "a parameter was not read");
                Ok(($($name.ok_or_else(missing)?,)*))
            }

            fn check(given: &Map<String, Value>, def: &FlowDef) -> Result<(), Error> {
                parameters::no_unknown(given, def)?;
                let mut params = def.params.iter();
                $(if let Some(param) = params.next() {
                    parameters::check::<$name>(given, param)?;
                })*
                Ok(())
            }
        }

        impl<F, T, $($name: Serialize + DeserializeOwned + Send + 'static),*> FlowFn<($($name,)*)> for F
        where
            F: Fn($($name),*) -> FlowCall<T> + 'static,
            T: Send + 'static,
        {
            type Output = T;

            fn def(&self) -> Result<&'static FlowDef, Error> {
                def_of::<F>()
            }

            fn deployment(&self, name: impl Into<String>) -> DeploymentCall {
                DeploymentCall { draft: Draft::new(self.def(), <($($name,)*)>::check, name.into()) }
            }

            fn run_deployment(&self, name: impl Into<String>) -> RunDeployment {
                let def = self.def();
                let target =
                    def.clone().map(|def| Target::Name { flow: def.name.to_owned(), deployment: name.into() });
                RunDeployment::new(target, def.ok().map(|def| (def, <($($name,)*)>::check as Check)))
            }

            fn schema(&self) -> Result<Value, Error> {
                Ok(parameters::schema(self.def()?))
            }

            #[allow(non_snake_case, reason = "one macro for every number, none included")]
            fn with_parameters(&self, parameters: Value) -> FlowCall<T> {
                let def = match self.def() {
                    Ok(def) => def,
                    Err(error) => return refused(&UNKNOWN, parameters, error),
                };
                let read = parameters::object(&parameters).and_then(|given| <($($name,)*)>::from_json(given, def));
                match read {
                    Ok(($($name,)*)) => self($($name),*),
                    Err(error) => refused(def, parameters, error),
                }
            }
        }
    };
}

flows!();
flows!(A);
flows!(A, B);
flows!(A, B, C);
flows!(A, B, C, D);
flows!(A, B, C, D, E);
flows!(A, B, C, D, E, G);
flows!(A, B, C, D, E, G, H);
flows!(A, B, C, D, E, G, H, I);
flows!(A, B, C, D, E, G, H, I, J);
flows!(A, B, C, D, E, G, H, I, J, K);
flows!(A, B, C, D, E, G, H, I, J, K, L);
flows!(A, B, C, D, E, G, H, I, J, K, L, M);
