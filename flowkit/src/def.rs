//! What the author declared: the constant that `#[task]` or `#[flow]` leaves behind.

use serde_json::Value;

use crate::asset::AssetsDef;
use crate::hook::Hooks;
use crate::options::Options;
use crate::txn::TransactionHooks;

/// The declaration of a task.
#[derive(Debug)]
#[non_exhaustive]
pub struct TaskDef {
    /// The task's name: `name = ".."`, or the function's own.
    pub name: &'static str,
    /// The function's name and a hash of its source, Prefect's task key: `fetch_page-1f0c22aa`.
    pub key: &'static str,
    /// `description = ".."`, or the doc comment.
    pub description: &'static str,
    /// The path of the module that the function is in.
    pub module: &'static str,
    /// `version = ".."`.
    pub version: Option<&'static str>,
    /// The names of the arguments, in order.
    pub params: &'static [&'static str],
    /// What the attribute says about how to run it.
    pub options: Options,
    pub(crate) hooks: Option<&'static Hooks>,
    pub(crate) assets: Option<&'static AssetsDef>,
    pub(crate) transaction_hooks: Option<&'static TransactionHooks>,
}

impl TaskDef {
    /// Makes a declaration with everything optional left out.
    #[must_use]
    pub const fn new(name: &'static str, key: &'static str, params: &'static [&'static str]) -> Self {
        Self {
            name,
            key,
            description: "",
            module: "",
            version: None,
            params,
            options: Options::new(),
            hooks: None,
            assets: None,
            transaction_hooks: None,
        }
    }

    /// Sets the hooks for the end of a transaction.
    #[must_use]
    pub const fn transaction_hooks(mut self, hooks: &'static TransactionHooks) -> Self {
        self.transaction_hooks = Some(hooks);
        self
    }

    /// Sets the description.
    #[must_use]
    pub const fn description(mut self, text: &'static str) -> Self {
        self.description = text;
        self
    }

    /// Sets the path of the module.
    #[must_use]
    pub const fn module(mut self, path: &'static str) -> Self {
        self.module = path;
        self
    }

    /// Sets the version.
    #[must_use]
    pub const fn version(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// Sets what the task has to do with assets.
    #[must_use]
    pub const fn assets(mut self, assets: &'static AssetsDef) -> Self {
        self.assets = Some(assets);
        self
    }

    /// Sets the hooks.
    #[must_use]
    pub const fn hooks(mut self, hooks: &'static Hooks) -> Self {
        self.hooks = Some(hooks);
        self
    }

    /// Sets the options.
    #[must_use]
    pub const fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }
}

/// The declaration of a flow.
#[derive(Debug)]
#[non_exhaustive]
pub struct FlowDef {
    /// The flow's name: `name = ".."`, or the function's own with `_` turned into `-`.
    pub name: &'static str,
    /// The function's name and a hash of its source, used for the task run that stands for a subflow.
    pub key: &'static str,
    /// `description = ".."`, or the doc comment.
    pub description: &'static str,
    /// `version = ".."`, or a hash of the source.
    pub version: &'static str,
    /// The parameters, in order.
    pub params: &'static [ParamDef],
    /// What the attribute says about how to run it.
    pub options: Options,
    pub(crate) hooks: Option<&'static Hooks>,
}

impl FlowDef {
    /// Makes a declaration with everything optional left out.
    #[must_use]
    pub const fn new(
        name: &'static str,
        key: &'static str,
        version: &'static str,
        params: &'static [ParamDef],
    ) -> Self {
        Self { name, key, description: "", version, params, options: Options::new(), hooks: None }
    }

    /// Sets the description.
    #[must_use]
    pub const fn description(mut self, text: &'static str) -> Self {
        self.description = text;
        self
    }

    /// Sets the hooks.
    #[must_use]
    pub const fn hooks(mut self, hooks: &'static Hooks) -> Self {
        self.hooks = Some(hooks);
        self
    }

    /// Sets the options.
    #[must_use]
    pub const fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }
}

/// The declaration of one parameter of a flow.
#[derive(Debug)]
#[non_exhaustive]
pub struct ParamDef {
    /// The name of the argument.
    pub name: &'static str,
    /// The doc comment on the argument.
    pub description: &'static str,
    /// Makes the default value, if the argument has one.
    pub default: Option<fn() -> Value>,
    /// Adds the argument's type to a JSON schema.
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

impl ParamDef {
    /// Makes a declaration of a required parameter.
    #[must_use]
    pub const fn new(name: &'static str, schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema) -> Self {
        Self { name, description: "", default: None, schema }
    }

    /// Sets the description.
    #[must_use]
    pub const fn description(mut self, text: &'static str) -> Self {
        self.description = text;
        self
    }

    /// Sets the default.
    #[must_use]
    pub const fn default(mut self, make: fn() -> Value) -> Self {
        self.default = Some(make);
        self
    }
}
