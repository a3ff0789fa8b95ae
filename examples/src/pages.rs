//! The records as a small web site: one plain HTML page for each day, for scrapers.

use std::fmt::Write as _;

use crate::data::Record;

/// How many of a day's events its page names, strongest first.
const NAMED: usize = 10;

/// Writes one page for each day that `records` tell of, oldest day first.
pub fn render(records: &[Record]) -> Vec<String> {
    let days: Vec<&[Record]> = records.chunk_by(|a, b| a.day() == b.day()).collect();
    let last = days.len();
    (1..).zip(days).map(|(number, day)| page(number, last, day)).collect()
}

fn page(number: usize, last: usize, day: &[Record]) -> String {
    let title = format!("Earthquakes of {}", day[0].day());
    let mut strongest: Vec<&Record> = day.iter().collect();
    strongest.sort_by(|a, b| b.magnitude.total_cmp(&a.magnitude));
    strongest.truncate(NAMED);

    let mut items = String::new();
    for event in strongest {
        let Record { magnitude, time, place, .. } = event;
        let place = escape(place);
        let _ = writeln!(items, "    <li>magnitude {magnitude}, {place}, <time>{time}</time></li>");
    }
    let next = match number < last {
        true => format!("  <a rel=\"next\" href=\"/pages/{}\">the next day</a>\n", number + 1),
        false => String::new(),
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n  <meta charset=\"utf-8\">\n  <title>{title}</title>\n\
         </head>\n<body>\n<article>\n  <h1>{title}</h1>\n  <p>{} events were recorded. The strongest:</p>\n  \
         <ul>\n{items}  </ul>\n{next}</article>\n</body>\n</html>\n",
        day.len(),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::records;

    #[test]
    fn every_day_has_a_page_and_all_but_the_last_link_on() {
        let pages = render(&records());
        assert_eq!(pages.len(), 8);
        assert!(pages[0].contains("<title>Earthquakes of 2018-01-31</title>"));
        assert!(pages[0].contains("href=\"/pages/2\""));
        assert!(!pages[7].contains("href"));
        assert!(pages.iter().all(|page| page.matches("<li>").count() == NAMED));
    }

    #[test]
    fn the_strongest_event_comes_first() {
        let mut day = records();
        day.retain(|record| record.day() == "2018-02-06");
        let strongest = day.iter().map(|record| record.magnitude).fold(f64::MIN, f64::max);
        let page = &render(&day)[0];
        let first = page.lines().find(|line| line.contains("<li>")).expect("ten events are named");
        assert!(first.contains(&format!("magnitude {strongest},")), "{first}");
    }

    #[test]
    fn text_cannot_open_a_tag() {
        assert_eq!(escape("a <b> & c"), "a &lt;b&gt; &amp; c");
    }
}
