//! The bytes of a file beside the database: what it belongs to, and records that follow each other by their numbers. Pure.
//!
//! Files are written again from the beginning, so that what follows the last record may be anything, older records
//! included: those have lower numbers.

use uuid::Uuid;

/// The version of the records that this crate writes; others are not read.
pub(super) const VERSION: u32 = 2;

const MAGIC: [u8; 8] = *b"flwktail";

/// How long the header is: the magic bytes, the version, and the database's id.
pub(super) const HEADER: usize = 28;

/// How long a record is without its content: the length of that, a checksum, and the number.
const FRAME: usize = 16;

/// What a file is, by its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Of this database.
    Ours,
    /// Nothing was written to it yet.
    Empty,
    /// Of another database: one that was at this place before.
    OfAnother,
    /// Of a version that is not known.
    Version(u32),
    /// Not one of these files at all.
    Unknown,
}

/// Makes the header.
pub(super) fn header(database: Uuid) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..].copy_from_slice(database.as_bytes());
    header
}

/// Tells what a file is.
pub(super) fn kind(bytes: &[u8], database: Uuid) -> Kind {
    let Some((header, _)) = bytes.split_first_chunk::<HEADER>() else {
        return if MAGIC.starts_with(bytes.get(..8).unwrap_or(bytes)) { Kind::Empty } else { Kind::Unknown };
    };
    match (header.starts_with(&MAGIC), number::<4>(&header[8..])) {
        (false, _) => Kind::Unknown,
        (true, version) if version != u64::from(VERSION) => Kind::Version(u32::try_from(version).unwrap_or(u32::MAX)),
        _ if header[12..] != *database.as_bytes() => Kind::OfAnother,
        _ => Kind::Ours,
    }
}

/// Appends a record.
pub(super) fn put(record: &mut Vec<u8>, number: u64, content: &[u8]) {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    record.extend_from_slice(&length.to_le_bytes());
    record.extend_from_slice(&sum(&number.to_le_bytes(), content).to_le_bytes());
    record.extend_from_slice(&number.to_le_bytes());
    record.extend_from_slice(content);
}

/// Lists the records of a file with their numbers, up to the first that is not whole or does not follow.
pub(super) fn records(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = bytes.get(HEADER..).unwrap_or_default();
    let mut last = None;
    std::iter::from_fn(move || {
        let (frame, behind) = rest.split_first_chunk::<FRAME>()?;
        let (length, told, at) = (number::<4>(frame), number::<4>(&frame[4..]), number::<8>(&frame[8..]));
        let content = behind.get(..usize::try_from(length).ok()?)?;
        let follows = last.is_none_or(|last| at == last + 1);
        if !follows || u64::from(sum(&frame[8..], content)) != told {
            return None;
        }
        last = Some(at);
        rest = &behind[content.len()..];
        Some((at, content))
    })
}

fn sum(number: &[u8], content: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(number);
    sum.update(content);
    sum.finalize()
}

/// The number in the first so many bytes, which are at most eight.
fn number<const BYTES: usize>(bytes: &[u8]) -> u64 {
    bytes.iter().take(BYTES).rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: Uuid = Uuid::from_u128(7);

    fn file(records: &[(u64, &str)]) -> Vec<u8> {
        let (mut bytes, mut record) = (header(DATABASE).to_vec(), Vec::new());
        for (number, content) in records {
            record.clear();
            put(&mut record, *number, content.as_bytes());
            bytes.extend(&record);
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Vec<(u64, &str)> {
        records(bytes).map(|(number, content)| (number, std::str::from_utf8(content).expect("text"))).collect()
    }

    #[test]
    fn records_are_read_up_to_one_that_is_torn_wherever_that_is() {
        let known = [(1 << 40, "one"), ((1 << 40) + 1, ""), ((1 << 40) + 2, "three")];
        let whole = file(&known);
        assert_eq!(read(&whole), known);
        for length in 0..whole.len() {
            let some = read(&whole[..length]);
            assert!(some.len() < 3 && known.starts_with(&some), "{length}: {some:?}");
            // As a file is that was made greater first.
            let padded = [&whole[..length], &[0; 64]].concat();
            assert!(known.starts_with(&read(&padded)), "{length}");
        }
        for damaged in HEADER..whole.len() {
            let mut bytes = whole.clone();
            bytes[damaged] ^= 0x10;
            assert!(read(&bytes).len() < 3, "{damaged}");
        }
    }

    #[test]
    fn what_an_earlier_round_has_left_behind_the_last_record_is_not_read() {
        let (older, newer) = (file(&[(1, "old"), (2, "old"), (3, "old")]), file(&[(9, "new")]));
        let bytes = [&newer[..], &older[newer.len()..]].concat();
        assert_eq!(read(&bytes), [(9, "new")]);
    }

    #[test]
    fn a_file_is_known_by_its_header() {
        let ours = header(DATABASE);
        assert_eq!(kind(&ours, DATABASE), Kind::Ours);
        assert_eq!(kind(&ours, Uuid::from_u128(8)), Kind::OfAnother);
        assert_eq!(kind(&ours[..20], DATABASE), Kind::Empty);
        assert_eq!(kind(b"", DATABASE), Kind::Empty);
        assert_eq!(kind(b"notes", DATABASE), Kind::Unknown);
        assert_eq!(kind(&[b'x'; 100], DATABASE), Kind::Unknown);
        let mut newer = ours;
        newer[8..12].copy_from_slice(&99_u32.to_le_bytes());
        assert_eq!(kind(&newer, DATABASE), Kind::Version(99));
    }
}
