//! The encryption of what blocks hold: ChaCha20-Poly1305, with the key of the setting `FLOWKIT_BLOCK_KEY`.
//!
//! Each text has a nonce of its own, made at random, and belongs to the block that it is of: moved to another one, it
//! cannot be opened.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

use crate::blocks::{BlockData, Fields, KeptBlock, NewBlock, told};
use crate::error::{Error, ErrorKind};

/// How many bytes a key has.
const KEY_LENGTH: usize = 32;

/// The key, if one is set.
#[derive(Default)]
pub(super) struct Seal(Option<LessSafeKey>);

impl Seal {
    /// Reads a key: 32 bytes in base64.
    pub(super) fn read(key: &str) -> Result<Self, Error> {
        let key = key.trim();
        let bytes = STANDARD.decode(key).or_else(|_| URL_SAFE.decode(key)).ok();
        let bytes = bytes.filter(|bytes| bytes.len() == KEY_LENGTH);
        let key = bytes.and_then(|bytes| UnboundKey::new(&CHACHA20_POLY1305, &bytes).ok());
        let wrong = || {
            let why = format!("the setting FLOWKIT_BLOCK_KEY must be {KEY_LENGTH} bytes in base64: {}", making());
            Error::new(ErrorKind::Settings, why)
        };
        Ok(Self(Some(LessSafeKey::new(key.ok_or_else(wrong)?))))
    }

    /// Gives what a block holds the form in which it is kept.
    pub(super) fn close(&self, new: &NewBlock, id: Uuid) -> Result<BlockData, Error> {
        if new.kind.secret_fields.is_empty() {
            return Ok(BlockData::Plain(new.data.clone()));
        }
        let what = told(&new.kind.slug, &new.name);
        let Some(key) = &self.0 else {
            let why = format!(
                "{what} has secrets, which are kept encrypted in a file: set FLOWKIT_BLOCK_KEY (or \
                 `Runtime::builder().block_key(..)`) to a key; {}",
                making()
            );
            return Err(Error::new(ErrorKind::Settings, why));
        };
        let failed = |_| Error::new(ErrorKind::Backend, format!("{what} cannot be encrypted"));
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(failed)?;
        let mut text = serde_json::to_vec(&new.data).map_err(|_| failed(ring::error::Unspecified))?;
        let about = Aad::from(id.into_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), about, &mut text).map_err(failed)?;
        Ok(BlockData::Sealed(STANDARD.encode([&nonce[..], &text].concat())))
    }

    /// Reads what a block holds.
    pub(super) fn open(&self, block: &KeptBlock) -> Result<Fields, Error> {
        let sealed = match &block.data {
            BlockData::Plain(fields) => return Ok(fields.clone()),
            BlockData::Sealed(sealed) => sealed,
        };
        let what = told(&block.slug, &block.name);
        let Some(key) = &self.0 else {
            let why = format!("{what} is encrypted: set FLOWKIT_BLOCK_KEY to the key with which it was saved");
            return Err(Error::new(ErrorKind::Settings, why));
        };
        unsealed(key, sealed, block.id).ok_or_else(|| {
            let why =
                format!("{what} was saved with another key than that of FLOWKIT_BLOCK_KEY, or its row is damaged");
            Error::new(ErrorKind::Settings, why)
        })
    }
}

fn unsealed(key: &LessSafeKey, sealed: &str, id: Uuid) -> Option<Fields> {
    let mut bytes = STANDARD.decode(sealed).ok()?;
    let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let text = key.open_in_place(nonce, Aad::from(id.into_bytes()), text).ok()?;
    serde_json::from_slice(text).ok()
}

/// Makes a new key.
pub(crate) fn new_key() -> Result<String, Error> {
    let mut bytes = [0; KEY_LENGTH];
    let failed = |_| Error::new(ErrorKind::Backend, "the system gives no random bytes for a key");
    SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(STANDARD.encode(bytes))
}

fn making() -> &'static str {
    "`openssl rand -base64 32` or `flowkit::block::new_key()` makes one"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Timestamp;

    fn kept(data: BlockData, id: Uuid) -> KeptBlock {
        let at = Timestamp::from_unix_micros(0);
        let (slug, name) = ("secret".to_owned(), "db".to_owned());
        KeptBlock { id, slug, name, data, secret_fields: Vec::new(), created: at, updated: at }
    }

    #[test]
    fn keys_are_32_bytes_in_base64_and_the_error_does_not_show_them() {
        let key = new_key().expect("a key");
        assert_ne!(key, new_key().expect("another one"));
        assert!(Seal::read(&format!(" {key}\n")).is_ok());
        assert!(Seal::read(&URL_SAFE.encode([250; 32])).is_ok());
        for wrong in ["", "hunter2", "aHVudGVyMg==", &STANDARD.encode([1; 31])] {
            let error = Seal::read(wrong).map(drop).expect_err("it is no key").to_string();
            let why = "the setting FLOWKIT_BLOCK_KEY must be 32 bytes in base64: `openssl rand -base64 32` or \
                       `flowkit::block::new_key()` makes one";
            assert_eq!(error, why);
        }
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_for_the_same_block_alone() {
        let seal = Seal::read(&STANDARD.encode([7; 32])).expect("a key");
        let fields = Fields::from_iter([("value".to_owned(), json!("hunter-seal"))]);
        let id = Uuid::from_u128(1);
        let key = seal.0.as_ref().expect("it is set");
        let mut text = serde_json::to_vec(&fields).expect("JSON");
        let nonce = [3; NONCE_LEN];
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(id.into_bytes()), &mut text)
            .expect("it is encrypted");
        let sealed = STANDARD.encode([&nonce[..], &text].concat());
        let data = || BlockData::Sealed(sealed.clone());
        assert_eq!(seal.open(&kept(data(), id)).expect("it opens"), fields);
        let refused = |seal: &Seal, data, id: u128| {
            seal.open(&kept(data, Uuid::from_u128(id))).expect_err("it does not open").to_string()
        };
        assert!(
            refused(&seal, data(), 2).contains("another key than that of FLOWKIT_BLOCK_KEY, or its row is damaged")
        );
        assert!(refused(&seal, BlockData::Sealed("AAAA".to_owned()), 1).contains("damaged"));
        let other = Seal::read(&STANDARD.encode([8; 32])).expect("a key");
        assert!(refused(&other, data(), 1).starts_with("block `secret/db` was saved with another key"));
        assert!(refused(&Seal::default(), data(), 1).contains("is encrypted: set FLOWKIT_BLOCK_KEY"));
    }
}
