//! What is to be done about a block: made, adapted and awaited.

use std::any::type_name;
use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use futures::future::BoxFuture;
use uuid::Uuid;

use super::kind::{Block, kind_of};
use super::nested::Nested;
use crate::blocking;
use crate::blocks::{self, FoundBlock, NewBlock, told};
use crate::error::{Error, ErrorKind};
use crate::redact;
use crate::runtime;
use crate::variables::Existing;

/// A block that is to be saved.
///
/// # Errors
/// Awaiting it gives an error of kind [`AlreadyExists`](ErrorKind::AlreadyExists) if there is such a block and it is not
/// to be overwritten, of kind [`Input`](ErrorKind::Input) for a name with other characters than `a-z0-9-` and for a block
/// that cannot be written as JSON, of kind [`Settings`](ErrorKind::Settings) if it has secrets and a file without a key is
/// to keep it, and of kind [`Backend`](ErrorKind::Backend) if the server does not answer.
#[must_use = "nothing is saved until this is awaited"]
pub struct SaveBlock {
    new: Result<NewBlock, Error>,
}

impl SaveBlock {
    pub(super) fn of<T: Block>(name: String, block: &T) -> Self {
        let new = blocks::check_name(&name).and_then(|()| {
            let what = told(T::TYPE.slug(), &name);
            let data = block.fields().map_err(|error| {
                Error::new(error.kind(), format!("{what} cannot be saved: {}", redact::redact(error.chain())))
            })?;
            let new = NewBlock { kind: kind_of::<T>(), name, data, existing: Existing::Refused };
            blocks::check_data(&new)?;
            Ok(new)
        });
        Self { new }
    }

    /// Says whether a block of that type and name is replaced. Default: no.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        if let Ok(new) = &mut self.new {
            new.existing = if overwrite { Existing::Replaced } else { Existing::Refused };
        }
        self
    }

    /// Waits until it is saved on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<(), Error> {
        blocking::wait(self.into_future())
    }
}

impl IntoFuture for SaveBlock {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { runtime::ports()?.backend.blocks().save_block(self.new?).await.map(drop) })
    }
}

/// A block that is to be loaded.
///
/// # Errors
/// Awaiting it gives an error of kind [`NotFound`](ErrorKind::NotFound) if there is no block of that name, of kind
/// [`WrongType`](ErrorKind::WrongType) if those of that name are of other types, or if what it holds is no `T`, of kind
/// [`Input`](ErrorKind::Input) if no block can have this name, of kind [`Settings`](ErrorKind::Settings) if it is encrypted
/// with another key, and of kind [`Backend`](ErrorKind::Backend) if the server does not answer. No error tells what a
/// block holds.
#[must_use = "nothing is loaded until this is awaited"]
pub struct LoadBlock<T> {
    name: String,
    of: PhantomData<fn() -> T>,
}

impl<T: Block> LoadBlock<T> {
    pub(super) fn of(name: String) -> Self {
        Self { name, of: PhantomData }
    }

    /// Waits for it on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<T, Error> {
        blocking::wait(self.into_future())
    }
}

impl<T: Block> IntoFuture for LoadBlock<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { load(&self.name).await.map(|(_, block)| block) })
    }
}

/// A block that is to be loaded for a field of another one.
///
/// # Errors
/// Those of [`LoadBlock`].
#[must_use = "nothing is loaded until this is awaited"]
pub struct LoadNested<T> {
    name: String,
    of: PhantomData<fn() -> T>,
}

impl<T: Block> LoadNested<T> {
    pub(super) fn of(name: String) -> Self {
        Self { name, of: PhantomData }
    }

    /// Waits for it on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<Nested<T>, Error> {
        blocking::wait(self.into_future())
    }
}

impl<T: Block> IntoFuture for LoadNested<T> {
    type Output = Result<Nested<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (id, block) = load(&self.name).await?;
            Ok(Nested::saved(block, id, self.name))
        })
    }
}

/// A block that is to be deleted. Awaiting it tells whether there was one.
///
/// # Errors
/// Awaiting it gives an error of kind [`Input`](ErrorKind::Input) if no block can have this name, and of kind
/// [`Backend`](ErrorKind::Backend) if the server does not answer.
#[derive(Debug)]
#[must_use = "nothing is deleted until this is awaited"]
pub struct DeleteBlock {
    pub(super) slug: &'static str,
    pub(super) name: String,
}

impl DeleteBlock {
    /// Waits until it is gone on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<bool, Error> {
        blocking::wait(self.into_future())
    }
}

impl IntoFuture for DeleteBlock {
    type Output = Result<bool, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            blocks::check_name(&self.name)?;
            runtime::ports()?.backend.blocks().delete_block(self.slug.to_owned(), self.name).await
        })
    }
}

impl fmt::Debug for SaveBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SaveBlock").field(&self.new).finish()
    }
}

impl<T> fmt::Debug for LoadBlock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadBlock").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for LoadNested<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadNested").field("name", &self.name).finish_non_exhaustive()
    }
}

async fn load<T: Block>(name: &str) -> Result<(Uuid, T), Error> {
    blocks::check_name(name)?;
    let slug = T::TYPE.slug();
    let ports = runtime::ports()?;
    let kept = ports.backend.blocks();
    let Some(found) = kept.block(slug.to_owned(), name.to_owned()).await? else {
        let others = kept.types_of_block(name.to_owned()).await?;
        return Err(missing(slug, name, &others));
    };
    // Before anything can go wrong with it.
    blocks::mask(&found);
    let FoundBlock { id, data, .. } = found;
    let block = T::from_fields(data).map_err(|error| {
        let why = format!("{} does not hold a `{}`: {error}", told(slug, name), type_name::<T>());
        Error::new(ErrorKind::WrongType, why)
    })?;
    Ok((id, block))
}

fn missing(slug: &str, name: &str, others: &[String]) -> Error {
    let what = told(slug, name);
    if others.is_empty() {
        return Error::new(ErrorKind::NotFound, format!("there is no {what}"));
    }
    let there = others.iter().map(|other| format!("`{other}/{name}`")).collect::<Vec<_>>().join(" and ");
    Error::new(ErrorKind::WrongType, format!("there is no {what}, and {there} is of another type"))
}
