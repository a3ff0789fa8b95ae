//! The options that the calls of tasks and of flows have in common, written once.

/// Writes the option methods of a call, a struct with a `job` that has `overrides`.
macro_rules! call_options {
    ($call:ident) => {
        impl<T: Send + 'static> $call<T> {
            pub(crate) fn overrides(&mut self) -> &mut $crate::options::Overrides {
                self.job.overrides.get_or_insert_default()
            }

            /// Notes that an option cannot be used; the run fails before it starts.
            fn refuse(&mut self, error: &$crate::error::Error) {
                let error =
                    $crate::error::Error::new(error.kind(), format!("in the call of `{}`, {error}", self.job.def.name));
                self.overrides().refused.get_or_insert(error);
            }

            fn refuse_timeout(&mut self) {
                let why = "`timeout` must be longer than zero: leave it out for no timeout";
                self.refuse(&$crate::error::Error::new($crate::error::ErrorKind::Definition, why));
            }

            /// Takes options from a reusable value. They beat the definition and are beaten by the call's own.
            pub fn with(mut self, options: $crate::options::Options) -> Self {
                self.overrides().value = options;
                if options.timeout.is_some_and(|timeout| timeout.is_zero()) {
                    self.refuse_timeout();
                }
                self
            }

            /// Sets how often a failed run is tried again. The arguments must be `Clone`.
            pub fn retries(mut self, retries: u32) -> Self {
                self.overrides().retries = Some(retries);
                self
            }

            /// Sets how long to wait before each retry: `"2s"`, a `Duration`, seconds, or a [`RetryDelay`](crate::RetryDelay)
            /// such as one that grows.
            pub fn retry_delay(mut self, delay: impl $crate::duration::IntoRetryDelay) -> Self {
                match delay.into_retry_delay() {
                    Ok(delay) => self.overrides().retry_delay = Some($crate::retry_delay::Delays::Declared(delay)),
                    Err(error) => self.refuse(&error),
                }
                self
            }

            /// Sets one delay for each retry; the last is repeated.
            pub fn retry_delays<D: $crate::duration::IntoDuration>(
                mut self,
                delays: impl IntoIterator<Item = D>,
            ) -> Self {
                match delays
                    .into_iter()
                    .map($crate::duration::IntoDuration::into_duration)
                    .collect::<Result<Vec<_>, _>>()
                {
                    Ok(delays) => {
                        self.overrides().retry_delay = Some($crate::retry_delay::Delays::Given(delays.into()))
                    }
                    Err(error) => self.refuse(&error),
                }
                self
            }

            /// Sets which errors of the body are worth a retry: the condition looks into the error by `downcast_ref`. It takes
            /// the place of the definition's `retry_if`. Timeouts and panics are retried without asking.
            pub fn retry_if(mut self, condition: $crate::options::RetryIf) -> Self {
                self.overrides().retry_if = Some(condition);
                self
            }

            /// Sets how long one attempt may take: `"30s"`, a `Duration`, or seconds.
            pub fn timeout(mut self, timeout: impl $crate::duration::IntoDuration) -> Self {
                match timeout.into_duration() {
                    Ok(timeout) if timeout.is_zero() => self.refuse_timeout(),
                    Ok(timeout) => self.overrides().timeout = Some(timeout),
                    Err(error) => self.refuse(&error),
                }
                self
            }

            /// Sets the run's name; `{argument}` stands for the value of an argument or parameter.
            pub fn name(mut self, template: impl Into<String>) -> Self {
                self.overrides().run_name = Some(template.into());
                self
            }

            /// Sets whether `println!` in the body writes run logs.
            pub fn log_prints(mut self, log: bool) -> Self {
                self.overrides().log_prints = Some(log);
                self
            }

            pub(crate) fn said_of_results(&mut self) -> &mut $crate::result_options::ResultOverrides {
                self.overrides().results.get_or_insert_default()
            }

            /// Sets whether the result goes to the result store, where other processes can read it. The value must be
            /// `Serialize` and `DeserializeOwned`.
            pub fn persist_result(mut self, persist: bool) -> Self {
                self.said_of_results().options.persist = Some(persist);
                self
            }

            /// Sets the form in which the result is stored.
            pub fn result_codec(mut self, codec: $crate::ResultCodec) -> Self {
                self.said_of_results().options.codec = Some(codec);
                self
            }

            /// Adds tags.
            pub fn tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> Self {
                self.overrides().tags.extend(tags.into_iter().map(Into::into));
                self
            }
        }
    };
}

pub(crate) use call_options;
