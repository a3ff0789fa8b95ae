//! The attributes `#[task]` and `#[flow]` of flowkit, and the derive of its blocks.
//!
//! A small compiler in three steps: read the attribute and the function, check both, emit data and one call
//! into `flowkit::__private`. The user's function is nested whole in what comes out, so that rustc's own errors
//! point at the user's code. When a check fails, what comes out is the errors and a function of the same
//! shape, so that callers have nothing to add.

mod args;
mod assets;
mod attrs;
mod block;
mod doc;
mod duration;
mod errors;
mod expand;
mod fallback;
mod function;
mod hash;
mod kind;
mod param;
mod results;
mod signature;
mod suggest;
mod template;
mod test;
mod types;
mod value;

use proc_macro::TokenStream;

use kind::Kind;

/// Makes a function a task: a unit of work with a name, a state, retries and a place in the run graph.
///
/// The function may be `async` or not; one that is not runs on the blocking pool. Calling it builds a lazy
/// call: `.await` runs it, `.submit()` starts it. Arguments are owned values of any type (up to 12; no
/// generics), and each accepts a value or the future of another task. It returns a plain value, or a `Result`
/// of any kind whose name ends in `Result`: `anyhow::Result<T>`, `io::Result<T>`, `Result<T, E>`.
///
/// # Options
///
/// | option | takes | default |
/// | --- | --- | --- |
/// | `name` | string | the function's name |
/// | `description` | string | the doc comment |
/// | `version` | string | none |
/// | `tags` | list of strings | none |
/// | `run_name` | template; `{argument}` stands for its value, `{{` and `}}` for braces; or the path of a function over references to the arguments that returns a string or anything `Display` | a generated name |
/// | `retries` | whole number | 0 |
/// | `retry_delay` | duration, a list with one for each retry (the last is repeated), or `exponential(first, factor, max = ..)` | no delay |
/// | `retry_jitter_factor` | number: by which share of itself each delay is lengthened at most, at random | 0 |
/// | `retry_if` | path of a `fn(&E) -> bool` over the error that the body returns | all errors |
/// | `timeout` | duration of one attempt, above zero | none |
/// | `materializes` | the assets that the task makes: keys such as `"s3://bucket/table"`, or paths of constants of type `flowkit::Asset`; one or a list | none |
/// | `materialized_by` | string: the tool that makes them | none |
/// | `asset_deps` | further assets that the task uses, besides those made by the tasks whose results it takes | none |
/// | `background` | nothing, `true` or `false`: whether calls can be made by `.delay()`, in another process; arguments and value must be `Serialize` and `DeserializeOwned` | `false` |
/// | `log_prints` | nothing, `true` or `false`: whether `println!` in the body is a log line too | as the flow around it, else `false` |
/// | `cache` | `inputs`, `source`, `run_id`, `flow_parameters` or `none`, joined by `+`; `- argument` leaves one out of `inputs` | no caching |
/// | `cache_key` | path of a function over references to the arguments that returns a `String` or an `Option<String>`, in the place of `cache`; the key is all that counts: tasks that make the same key share a result, and must agree on its type | none |
/// | `cache_expiration` | duration for which a cached result counts | for ever |
/// | `refresh_cache` | nothing, `true` or `false`: whether the body runs all the same, and its result replaces the cached one | `false` |
/// | `cache_isolation` | `read_committed` or `serializable`: with the latter, one run at a time for each key, in all processes of the store | `read_committed` |
/// | `on_commit`, `on_rollback` | functions that take a `Transaction`, called when the transaction around is committed, or rolled back after the task has completed | none |
/// | `persist_result` | nothing, `true` or `false`: whether the result goes to the result store, where other processes can read it | as the settings say |
/// | `result_codec` | `json` or `compact` (MessagePack): the form in which it is stored | `json` |
/// | `on_running` | hooks, called before each attempt | none |
/// | `on_completion`, `on_failure` | hooks, called when the run has succeeded, or failed (timeouts included) | none |
/// | `on_cancellation`, `on_crashed` | hooks, called when the run was cancelled, or put into the state Crashed | none |
///
/// Hooks are the path of a function that takes a `HookContext`, or a list of such paths. The function may be `async`
/// (one that is not should not block) and returns nothing or a `Result<(), E>`. Hooks run in the run's context after
/// its state was entered, one after the other, and before the caller has the result; one that fails or panics is a
/// line in the log and no more. In `on_cancellation` no
/// task can be called: the run is told to stop already. A run whose future is dropped has no time for hooks.
///
/// A duration is a string with the units `ms`, `s`, `m`, `h` and `d`, such as `"30s"` or `"1m 30s"`, or a bare
/// number of seconds, such as `2` or `0.5`. It is a whole number of milliseconds. `exponential("1s", 2.0, max = "1m")`
/// waits 1, 2, 4 seconds and so on, but never more than a minute; the factor is 2 if left out, and so is no bound. With `retries`, arguments must
/// be `Clone`.
///
/// A cached task runs once for equal keys, and its later runs end in the state Cached with the same result. Its value must be
/// `Serialize` and `DeserializeOwned`, and with `inputs` its arguments `Serialize`. Where results go, and what makes keys
/// equal, is told at `flowkit::cache`. Without a server, what is cached and not persisted stays in memory.
///
/// ```ignore
/// /// Downloads one page of articles.
/// #[task(
///     name = "fetch",
///     version = "1",
///     tags = ["net"],
///     run_name = "page-{page}",
///     retries = 3,
///     retry_delay = ["2s", "5s", "15s"],
///     timeout = "30s",
///     log_prints,
/// )]
/// pub async fn fetch_page(api: String, page: u32) -> anyhow::Result<Vec<Article>> {
///     println!("page {page}");
///     Ok(reqwest::get(format!("{api}/articles?page={page}")).await?.json().await?)
/// }
///
/// let first = fetch_page("https://dev.to/api", 1).submit();
/// ```
#[proc_macro_attribute]
pub fn task(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Kind::Task, attribute.into(), item.into()).into()
}

/// Makes a function a flow: a program that calls tasks and other flows, with typed parameters.
///
/// The function may be `async` or not; one that is not runs on the blocking pool. Calling it builds a lazy
/// call that `.await` runs; called inside another flow it is a subflow. Parameters are owned types (up
/// to 12; no generics) that implement `Serialize`, `DeserializeOwned` and `JsonSchema`; a doc comment on a parameter is
/// its description. What it may return is what a task may return.
///
/// # Options
///
/// | option | takes | default |
/// | --- | --- | --- |
/// | `name` | string without `/`, `%`, `&`, `<` or `>` | the function's name with `-` for `_` |
/// | `description` | string | the doc comment |
/// | `version` | string | a hash of the source |
/// | `tags` | list of strings | none |
/// | `run_name` | template; `{parameter}` stands for its value, `{{` and `}}` for braces; or the path of a function over references to the parameters | a generated name |
/// | `retries` | whole number | 0 |
/// | `retry_delay` | duration, a list with one for each retry (the last is repeated), or `exponential(first, factor, max = ..)` | no delay |
/// | `retry_if` | path of a `fn(&E) -> bool` over the error that the body returns | all errors |
/// | `timeout` | duration of one attempt, above zero | none |
/// | `log_prints` | nothing, `true` or `false`: whether `println!` in the body is a log line too | as the flow around it, else `false` |
/// | `resumable` | nothing, `true` or `false`: whether a run goes on after its process has died, where runs are kept in a file | `false` |
/// | `persist_result` | nothing, `true` or `false`: whether the result goes to the result store, where other processes can read it | as the settings say |
/// | `result_codec` | `json` or `compact` (MessagePack): the form in which it is stored | `json` |
/// | `on_running` | hooks, called before each attempt | none |
/// | `on_completion`, `on_failure` | hooks, called when the run has succeeded, or failed (timeouts included) | none |
/// | `on_cancellation`, `on_crashed` | hooks, called when the run was cancelled, or put into the state Crashed | none |
///
/// Hooks and durations are written as for [`macro@task`]. On a parameter, `#[param(default = ..)]` takes an expression of the
/// parameter's type (a string literal for anything that is `From<&str>`); it stands in when a
/// deployment or the server gives no value. A server knows one delay for all retries of a flow: it is told the first. With `retries`, parameters must be `Clone`.
///
/// A retry does not do again what is done: tasks and subflows that finished in the attempt before are not run, their
/// values are taken from memory (clones, kept until the flow run ends). A call is known by its task, its arguments (those
/// that are `Serialize`) and, among equal calls in the same place, by its order. Values that are not `Clone` are made
/// again. The runs end as Cached, and the log tells how many were replayed and how many ran.
///
/// A `resumable` flow run that is kept in a file (the feature `embedded` and `FLOWKIT_DB`, or `Runtime::builder().embedded(..)`)
/// goes on after its process has died: when the program calls the flow again with the same parameters, or by
/// `flowkit::resume`. Tasks and subflows that had finished are not run again, their recorded values are returned; for
/// that, values must be `Serialize` and `DeserializeOwned`. The body itself runs from its beginning: what it does
/// outside of tasks is done again. Calls are known as for retries, so that their order matters only among equal ones.
/// Where nothing keeps runs in a file, the option changes nothing.
///
/// ```ignore
/// /// Loads articles into a CSV file.
/// #[flow(name = "devto-etl", run_name = "etl-{pages}", retries = 1, timeout = "1h", log_prints)]
/// async fn etl(
///     /// Where the articles come from.
///     #[param(default = "https://dev.to/api")]
///     api: String,
///     #[param(default = 3)] pages: u32,
///     out: PathBuf,
/// ) -> anyhow::Result<usize> {
///     let pages = flowkit::map(1..=pages, |page| fetch_page(api.clone(), page)).submit();
///     Ok(save_csv(pages, out).await?)
/// }
/// ```
#[proc_macro_attribute]
pub fn flow(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Kind::Flow, attribute.into(), item.into()).into()
}

/// Makes a struct a block: settings and secrets that are saved under a name.
///
/// The struct has named fields and no generics, and implements `Serialize`, `DeserializeOwned` and `JsonSchema`. Fields of
/// type `flowkit::Secret` are secret, and fields of type `flowkit::block::Nested` are other blocks. What is in the schema
/// and how fields are written is as serde and schemars have it.
///
/// | option of `#[block(..)]` | takes | default |
/// | --- | --- | --- |
/// | `name` | string without `/`, `%`, `&`, `<` or `>` | the struct's name |
/// | `slug` | string of lowercase letters, digits and dashes: the name in paths and in Python's `Block.load("slug/name")` | made of the name |
/// | `description` | string | the doc comment |
/// | `logo_url`, `documentation_url` | string | none |
/// | `code_example` | string, Markdown | none |
/// | `capabilities` | list of strings: what its blocks can do, in Prefect's words | none |
/// | `version` | string: that of the schema | `non-versioned` |
///
/// ```ignore
/// /// Where the warehouse is.
/// #[derive(Block, Serialize, Deserialize, JsonSchema)]
/// #[block(name = "Data Warehouse", logo_url = "https://example.com/logo.png")]
/// struct Warehouse {
///     host: String,
///     password: Secret,
/// }
/// ```
#[proc_macro_derive(Block, attributes(block))]
pub fn block(item: TokenStream) -> TokenStream {
    block::expand(item.into()).into()
}

/// Makes an `async fn` a test with a flowkit runtime of its own and a paused clock.
///
/// Runs, states and logs are kept in memory for this test alone. Waiting takes no time: when all there is to do is
/// to wait, the clock jumps. The function has no argument, or one of type `flowkit::Runtime` to ask for the history
/// and to set stubs; it returns nothing or a `Result`. Needs flowkit's feature `test-util`.
///
/// ```ignore
/// #[flowkit::test]
/// async fn a_page_is_fetched_again(runtime: flowkit::Runtime) -> flowkit::Result<()> {
///     fetch_page("https://dev.to/api", 1).retries(2).retry_delay("1h").await?;
///     assert_eq!(runtime.history().expect("it is in memory").task_runs().len(), 1);
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn test(attribute: TokenStream, item: TokenStream) -> TokenStream {
    test::expand(&attribute.into(), item.into()).into()
}
