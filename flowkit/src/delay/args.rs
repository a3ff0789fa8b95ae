//! The arguments of background tasks, written down and read back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arguments::Inputs;
use crate::codec::ResultCodec;
use crate::def::TaskDef;
use crate::defer::Given;
use crate::engine::panic;
use crate::error::{Error, ErrorKind};
use crate::input::Input;

/// The arguments of a background task, a tuple of plain values.
pub trait BackgroundArgs: Send + Sized + 'static {
    #[doc(hidden)]
    type Inputs: Inputs<Values = Self>;
    #[doc(hidden)]
    fn write(&self, def: &TaskDef) -> Result<Given, Error>;
    #[doc(hidden)]
    fn read(given: &Given, def: &TaskDef) -> Result<Self, Error>;
    #[doc(hidden)]
    fn into_inputs(self) -> Self::Inputs;
}

/// Each argument is written by itself, so that an error can say which one it is about.
const CODEC: ResultCodec = ResultCodec::Compact;

fn write<T: Serialize>(value: &T, name: &str, task: &str) -> Result<String, Error> {
    let refuse = |why: String| {
        let why = format!("argument `{name}` of task `{task}` cannot be stored for whoever runs it: {why}");
        Error::new(ErrorKind::Parameters, why)
    };
    // Serializing an argument is the user's code.
    panic::contain(|| CODEC.encode(value)).map_err(&refuse)?.map_err(|why| refuse(why.to_string()))
}

fn read<T: DeserializeOwned>(given: &Given, name: &str, task: &str) -> Result<T, Error> {
    let refuse = |why: &str| {
        let why = format!("argument `{name}` of task `{task}` {why}");
        Error::new(ErrorKind::Parameters, why)
    };
    let text = given.get(name).ok_or_else(|| refuse("was not given by whoever delayed the task"))?;
    let unread = |why: String| refuse(&format!("cannot be read as a `{}`: {why}", std::any::type_name::<T>()));
    panic::contain(|| CODEC.decode(text)).map_err(&unread)?.map_err(|why| unread(why.to_string()))
}

macro_rules! background_args {
    ($($name:ident),*) => {
        #[allow(non_snake_case, unused_mut, unused_variables, clippy::unused_unit, reason = "one macro for every number, none included")]
        impl<$($name: Serialize + DeserializeOwned + Send + 'static),*> BackgroundArgs for ($($name,)*) {
            type Inputs = ($(Input<$name>,)*);

            fn write(&self, def: &TaskDef) -> Result<Given, Error> {
                let ($($name,)*) = self;
                let mut given = Given::new();
                let mut params = def.params.iter();
                $(if let Some(param) = params.next() {
                    given.insert((*param).to_owned(), write($name, param, def.name)?);
                })*
                Ok(given)
            }

            fn read(given: &Given, def: &TaskDef) -> Result<Self, Error> {
                let mut params = def.params.iter();
                $(let $name = read::<$name>(given, params.next().copied().unwrap_or_default(), def.name)?;)*
                Ok(($($name,)*))
            }

            fn into_inputs(self) -> Self::Inputs {
                let ($($name,)*) = self;
                ($(Input::from($name),)*)
            }
        }
    };
}

background_args!();
background_args!(A);
background_args!(A, B);
background_args!(A, B, C);
background_args!(A, B, C, D);
background_args!(A, B, C, D, E);
background_args!(A, B, C, D, E, F);
background_args!(A, B, C, D, E, F, G);
background_args!(A, B, C, D, E, F, G, H);
background_args!(A, B, C, D, E, F, G, H, I);
background_args!(A, B, C, D, E, F, G, H, I, J);
background_args!(A, B, C, D, E, F, G, H, I, J, K);
background_args!(A, B, C, D, E, F, G, H, I, J, K, L);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    static DEF: TaskDef = TaskDef::new("load", "load-1", &["page", "ratio"]);

    #[test]
    fn arguments_are_read_as_they_were_written() {
        let given = (7_u128, f64::NAN).write(&DEF).expect("they can be written");
        let (page, ratio) = <(u128, f64)>::read(&given, &DEF).expect("they can be read");
        assert_eq!(page, 7);
        assert!(ratio.is_nan());
        assert!(<()>::read(&().write(&DEF).expect("nothing"), &DEF).is_ok());
    }

    #[test]
    fn an_argument_that_is_missing_or_of_another_type_is_named() {
        let given = (1_u8, "x".to_owned()).write(&DEF).expect("they can be written");
        let why = <(u8, f64)>::read(&given, &DEF).expect_err("it is a text").to_string();
        assert!(why.starts_with("argument `ratio` of task `load` cannot be read as a `f64`: "), "{why}");
        let why = <(u8,)>::read(&Given::new(), &DEF).expect_err("nothing is given").to_string();
        assert_eq!(why, "argument `page` of task `load` was not given by whoever delayed the task");
    }

    #[test]
    fn a_secret_is_not_stored() {
        let why = (Secret::<String>::new("sesame"),).write(&DEF).expect_err("it is a secret").to_string();
        assert!(why.starts_with("argument `page` of task `load` cannot be stored for whoever runs it: "), "{why}");
        assert!(!why.contains("sesame"), "{why}");
    }
}
