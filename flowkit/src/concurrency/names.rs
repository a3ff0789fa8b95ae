//! One name or several.

/// The name of a concurrency limit, or the names of several: `"db"`, `["db", "api"]`, a `Vec` of names.
///
/// A name that is there twice counts once. Without any name nothing is limited.
pub trait LimitNames {
    /// Returns the names.
    fn into_names(self) -> Vec<String>;
}

impl LimitNames for &str {
    fn into_names(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl LimitNames for String {
    fn into_names(self) -> Vec<String> {
        vec![self]
    }
}

impl LimitNames for &String {
    fn into_names(self) -> Vec<String> {
        vec![self.clone()]
    }
}

impl<S: Into<String>, const N: usize> LimitNames for [S; N] {
    fn into_names(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<S: Into<String>> LimitNames for Vec<S> {
    fn into_names(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<S: Clone + Into<String>> LimitNames for &[S] {
    fn into_names(self) -> Vec<String> {
        self.iter().cloned().map(Into::into).collect()
    }
}

impl<S: Clone + Into<String>> LimitNames for &Vec<S> {
    fn into_names(self) -> Vec<String> {
        self.as_slice().into_names()
    }
}
