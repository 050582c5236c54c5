//! Medians, percentiles, and the one table that is printed in the end.

use std::fmt::Write as _;
use std::time::Duration;

/// Some measurements of one thing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// In milliseconds.
    pub(crate) fn of_durations(values: impl IntoIterator<Item = Duration>) -> Self {
        Self::new(values.into_iter().map(|value| value.as_secs_f64() * 1e3).collect())
    }

    /// The value that so many percent of the measurements do not exceed.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position in a list")]
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        let rank = (percent / 100.0 * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.clamp(1, self.0.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        self.percentile(50.0)
    }

    pub(crate) fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Median with the spread, such as `12 (11 to 14)`.
    pub(crate) fn spread(&self, digits: usize) -> String {
        format!("{} ({} to {})", number(self.median(), digits), number(self.min(), digits), number(self.max(), digits))
    }
}

/// Whether a budget is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Kept,
    Missed,
    /// There is no budget; the figure stands for itself.
    Told,
}

impl Verdict {
    pub(crate) fn of(kept: bool) -> Self {
        if kept { Self::Kept } else { Self::Missed }
    }
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) ours: String,
    pub(crate) beside: String,
    /// How many times better than what stands beside it, or how many times worse; as the budget counts.
    pub(crate) ratio: String,
    pub(crate) budget: String,
    pub(crate) verdict: Verdict,
}

#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    pub(crate) fn add(&mut self, row: Row) {
        eprintln!("  {}: {} | {} | {}", row.what, row.ours, row.beside, row.ratio);
        self.0.push(row);
    }

    /// Markdown with columns in line, so that it reads well as text too.
    pub(crate) fn print(&self) -> String {
        let head = ["what", "panelgate", "beside it", "ratio", "budget", "kept"].map(str::to_owned);
        let mut rows = vec![head];
        rows.extend(self.0.iter().map(|row| {
            let kept = match row.verdict {
                Verdict::Kept => "yes",
                Verdict::Missed => "NO",
                Verdict::Told => "-",
            };
            let Row { what, ours, beside, ratio, budget, .. } = row.clone();
            [what, ours, beside, ratio, budget, kept.to_owned()]
        }));
        let widths: [usize; 6] = std::array::from_fn(|n| {
            rows.iter().filter_map(|row| row.get(n)).map(|c| c.chars().count()).max().unwrap_or(0)
        });
        let mut text = String::new();
        for (n, row) in rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(widths) {
                let _ = write!(text, "| {cell:width$} ");
            }
            text.push_str("|\n");
            if n == 0 {
                widths.iter().for_each(|width| text.push_str(&format!("|{}", "-".repeat(width + 2))));
                text.push_str("|\n");
            }
        }
        text
    }

    pub(crate) fn missed(&self) -> usize {
        self.0.iter().filter(|row| row.verdict == Verdict::Missed).count()
    }
}

/// With blanks between groups of three digits.
pub(crate) fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), String::new()), |(w, r)| (w, format!(".{r}")));
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n) % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped + &rest
}

/// KiB as MiB.
pub(crate) fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sample = Sample::new((1..=200).map(f64::from).collect());
        assert_eq!((sample.median(), sample.percentile(99.0), sample.max()), (100.0, 198.0, 200.0));
        assert_eq!(Sample::new(vec![7.0]).percentile(99.0), 7.0);
        assert!(Sample::new(vec![]).median().is_nan());
    }

    #[test]
    fn numbers_are_grouped() {
        for (value, digits, text) in
            [(0.25, 2, "0.25"), (1234.0, 0, "1 234"), (-123_456.5, 1, "-123 456.5"), (999.0, 0, "999")]
        {
            assert_eq!(number(value, digits), text);
        }
    }
}
