//! The records: earthquakes of one week, published by the USGS (see `examples/data/README.md`).

use serde::{Deserialize, Serialize};

/// Is one seismic event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The event's id at USGS.
    pub id: String,
    /// When it happened: UTC, whole seconds, as `2018-01-31T01:49:59Z`.
    pub time: String,
    /// Magnitude as USGS computed it; small events have negative ones.
    pub magnitude: f64,
    /// Where, in words.
    pub place: String,
    /// `earthquake`, `explosion` or `quarry blast`.
    pub kind: String,
    /// Longitude in degrees.
    pub lon: f64,
    /// Latitude in degrees.
    pub lat: f64,
    /// Kilometres below the surface; negative above sea level.
    pub depth_km: f64,
}

impl Record {
    /// Returns the UTC day the event happened on, as `2018-01-31`.
    pub fn day(&self) -> &str {
        self.time.split('T').next().unwrap_or(&self.time)
    }
}

/// Returns all records, oldest first.
///
/// # Panics
///
/// When the data file that is compiled in does not match [`Record`]; a test reads it.
pub fn records() -> Vec<Record> {
    serde_json::from_str(include_str!("../data/earthquakes.json"))
        .expect("the data file that is compiled in matches Record")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_file_is_complete_and_in_order() {
        let records = records();
        assert_eq!(records.len(), 1707);
        assert!(records.is_sorted_by(|a, b| a.time <= b.time));
        assert_eq!(records[0].id, "uw61345682");
        assert_eq!(records[0].day(), "2018-01-31");
    }
}
