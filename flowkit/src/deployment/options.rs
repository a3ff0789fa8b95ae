//! What can be said of a deployment, written once for those that are registered and those that are served.

/// Writes the option methods of a builder, a struct with a `draft`.
macro_rules! deployment_options {
    ($call:ident) => {
        impl $call {
            /// Adds a schedule in cron's form, in UTC: `.cron("0 8 * * *")`. Several schedules can be added, of any form.
            pub fn cron(self, text: impl Into<String>) -> Self {
                self.schedule($crate::schedule::Schedule::cron(text))
            }

            /// Adds a schedule of runs at a fixed distance: `"6h"`, a `Duration`, or seconds.
            pub fn interval(self, every: impl $crate::duration::IntoDuration) -> Self {
                self.schedule($crate::schedule::Schedule::interval(every))
            }

            /// Adds a schedule in iCalendar's form, in UTC: `.rrule("FREQ=WEEKLY;BYDAY=MO")`.
            pub fn rrule(self, text: impl Into<String>) -> Self {
                self.schedule($crate::schedule::Schedule::rrule(text))
            }

            /// Adds a [`Schedule`](crate::Schedule), which may have a time zone, a slug and parameters of its own.
            ///
            /// Runs are made by the server, some ahead. Of those that nobody has started within 15 s, whoever serves the
            /// deployment starts the ones that [`Schedule::misfire`](crate::Schedule::misfire) says: by default the newest of
            /// each schedule. The others end as `Skipped`, a state of type Cancelled whose message says why. Runs that
            /// somebody has triggered are always started, and so are all runs that a work pool's workers start.
            pub fn schedule(mut self, schedule: $crate::schedule::Schedule) -> Self {
                self.draft.schedule(&schedule);
                self
            }

            /// Adds several schedules.
            pub fn schedules(mut self, schedules: impl IntoIterator<Item = $crate::schedule::Schedule>) -> Self {
                schedules.into_iter().for_each(|schedule| self.draft.schedule(&schedule));
                self
            }

            /// Sets the default parameters of its runs, a JSON object. Those left out keep the flow's own defaults; each
            /// is checked against the flow's types here and now.
            pub fn parameters(mut self, parameters: ::serde_json::Value) -> Self {
                match $crate::parameters::object(&parameters) {
                    Ok(given) => self.draft.parameters(given),
                    Err(error) => self.draft.refuse(error),
                }
                self
            }

            /// Sets one default parameter of its runs.
            pub fn parameter(mut self, name: impl Into<String>, value: impl ::serde::Serialize) -> Self {
                let name = name.into();
                match ::serde_json::to_value(value) {
                    Ok(value) => self.draft.parameters([(name, value)].into_iter().collect()),
                    Err(error) => {
                        let why = format!("parameter `{name}` cannot be written as JSON");
                        let kind = $crate::error::ErrorKind::Parameters;
                        self.draft.refuse($crate::error::Error::new(kind, why).with_source(error));
                    }
                }
                self
            }

            /// Adds tags, which its runs get as well.
            pub fn tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> Self {
                self.draft.edit(|spec| spec.tags.extend(tags.into_iter().map(Into::into)));
                self
            }

            /// Sets the description, Markdown. Default: the flow's doc comment.
            pub fn description(mut self, text: impl Into<String>) -> Self {
                self.draft.edit(|spec| spec.description = Some(text.into()));
                self
            }

            /// Sets the version. Default: the flow's, a hash of its source if it says nothing else.
            pub fn version(mut self, version: impl Into<String>) -> Self {
                self.draft.version(version.into());
                self
            }

            /// Adds something that starts runs besides schedules: a [`Trigger`](crate::Trigger), or one with parameters.
            pub fn trigger(mut self, trigger: impl Into<$crate::trigger::DeploymentTrigger>) -> Self {
                self.draft.trigger(trigger.into());
                self
            }

            /// Adds several triggers.
            pub fn triggers<T: Into<$crate::trigger::DeploymentTrigger>>(
                mut self,
                triggers: impl IntoIterator<Item = T>,
            ) -> Self {
                triggers.into_iter().for_each(|trigger| self.draft.trigger(trigger.into()));
                self
            }

            /// Sets how many of its runs there may be at the same time, whoever starts them. Default: any number.
            pub fn concurrency_limit(mut self, runs: u32) -> Self {
                self.draft.concurrency().limit = runs;
                self
            }

            /// Sets what happens to a run beyond the concurrency limit. Default: it waits.
            pub fn on_collision(mut self, collision: $crate::deploy::Collision) -> Self {
                self.draft.concurrency().collision = Some(collision);
                self
            }

            /// Sets how long a run's infrastructure may take to start before its place below the concurrency limit is
            /// given to another: 60 s to one day. Default: the server's.
            pub fn start_grace(mut self, grace: impl $crate::duration::IntoDuration) -> Self {
                match grace.into_duration() {
                    Ok(grace) if (60..=86_400).contains(&grace.as_secs()) => {
                        self.draft.concurrency().grace = Some(grace);
                    }
                    Ok(grace) => {
                        let why = format!("a grace for starting must be 60 s to one day, and is {grace:?}");
                        self.draft.refuse($crate::error::Error::new($crate::error::ErrorKind::Definition, why));
                    }
                    Err(error) => self.draft.refuse(error),
                }
                self
            }

            /// Sets whether the server refuses runs whose parameters do not fit the flow. Default: it does.
            pub fn enforce_parameter_schema(mut self, enforce: bool) -> Self {
                self.draft.edit(|spec| spec.enforce_schema = enforce);
                self
            }

            /// Sets variables of the infrastructure that its runs get, a JSON object such as `{"env": {"DEBUG": "1"}}`.
            pub fn job_variables(mut self, variables: ::serde_json::Value) -> Self {
                match $crate::trigger::object(variables, "job variables") {
                    Ok(variables) => self.draft.edit(|spec| spec.job_variables.extend(variables)),
                    Err(error) => self.draft.refuse(error),
                }
                self
            }

            /// Registers it with its schedules paused.
            pub fn paused(mut self, paused: bool) -> Self {
                self.draft.edit(|spec| spec.paused = paused);
                self
            }
        }
    };
}

pub(crate) use deployment_options;
