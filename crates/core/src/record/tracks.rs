//! Records of series: their tracks, detector states and closed buckets.

use super::{RestoreError, damaged, dumped};
use crate::feeds::FeedShares;
use crate::lattice::SeriesKey;
use crate::series::{Closed, Expectation, ReferenceState, Series, Track, TrackState, Verdict};
use crate::time::BucketIndex;
use crate::words::Measure;
use auscult_statistics::count::{CountState, DYNAMIC_COUNT, Forecast};
use auscult_statistics::mean::{DYNAMIC_MEAN, MeanForecast, MeanState};
use auscult_statistics::share::{DYNAMIC_SHARE, ShareForecast, ShareState};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct SeriesRecord {
    pub(super) key: SeriesKey,
    stable: u64,
    born: BucketIndex,
    born_late: bool,
    last_active: BucketIndex,
    feeds: FeedShares,
    tracks: Vec<TrackRecord>,
}

#[derive(Serialize, Deserialize)]
struct TrackRecord {
    measure: Measure,
    state: Vec<u8>,
    ring: Vec<ClosedRecord>,
}

#[derive(Serialize, Deserialize)]
struct ClosedRecord {
    bucket: BucketIndex,
    revision: u32,
    verdict: VerdictRecord,
    expectation: ExpectationRecord,
    discovered: bool,
}

/// A forecast's numbers in the order of its fields; the method's name follows from the kind, or for counts from the view.
#[derive(Serialize, Deserialize)]
enum ExpectationRecord {
    Count([f64; 6]),
    Share([f64; 4]),
    Mean([f64; 6]),
}

#[derive(Serialize, Deserialize)]
struct VerdictRecord {
    observed: Option<f64>,
    items: u32,
    expected: f64,
    deviation: f64,
    p_bucket: (f64, f64),
    p_combined: (f64, f64),
}

pub(super) fn series_record(series: &Series) -> SeriesRecord {
    SeriesRecord {
        key: series.key,
        stable: series.stable,
        born: series.born,
        born_late: series.born_late,
        last_active: series.last_active,
        feeds: series.feeds,
        tracks: series.tracks.iter().map(track_record).collect(),
    }
}

fn track_record(track: &Track) -> TrackRecord {
    TrackRecord {
        measure: track.measure,
        state: dump_state(&track.state),
        ring: track
            .ring
            .iter()
            .map(|closed| ClosedRecord {
                bucket: closed.bucket,
                revision: closed.revision,
                verdict: VerdictRecord {
                    observed: closed.verdict.observed,
                    items: closed.verdict.items,
                    expected: closed.verdict.expected,
                    deviation: closed.verdict.deviation,
                    p_bucket: closed.verdict.p_bucket,
                    p_combined: closed.verdict.p_combined,
                },
                expectation: expectation_record(&closed.expectation),
                discovered: closed.discovered,
            })
            .collect(),
    }
}

/// A detector's state as bytes.
pub(crate) fn dump_state(state: &TrackState) -> Vec<u8> {
    dumped(|bytes| match state {
        TrackState::Count(state) => state.dump(bytes),
        TrackState::Share(state) => state.dump(bytes),
        TrackState::Mean(state) => state.dump(bytes),
        TrackState::Reference(state) => state.dump(bytes),
    })
}

/// A detector's state from its bytes. `method`: the reference method of the view, if it names one.
pub(crate) fn restore_state(
    measure: Measure,
    method: Option<&str>,
    bytes: &[u8],
) -> Result<TrackState, String> {
    match (measure, method) {
        (Measure::Mentions, Some(method)) => {
            ReferenceState::restore(method, bytes).map(TrackState::Reference)
        }
        (Measure::Mentions, None) => CountState::restore(bytes)
            .map(TrackState::Count)
            .map_err(|error| error.to_string()),
        (Measure::NegativeShare, _) => ShareState::restore(bytes)
            .map(TrackState::Share)
            .map_err(|error| error.to_string()),
        (Measure::MeanRating, _) => MeanState::restore(bytes)
            .map(TrackState::Mean)
            .map_err(|error| error.to_string()),
    }
}

pub(super) fn restore_series(
    record: SeriesRecord,
    method: Option<&str>,
    record_key: &[u8],
) -> Result<Series, RestoreError> {
    let tracks = record
        .tracks
        .into_iter()
        .map(|track| restore_track(track, method, record_key))
        .collect::<Result<_, _>>()?;
    Ok(Series {
        key: record.key,
        stable: record.stable,
        born: record.born,
        born_late: record.born_late,
        last_active: record.last_active,
        feeds: record.feeds,
        tracks,
    })
}

fn restore_track(
    record: TrackRecord,
    method: Option<&str>,
    record_key: &[u8],
) -> Result<Track, RestoreError> {
    let state = restore_state(record.measure, method, &record.state)
        .map_err(|error| damaged(record_key, &error))?;
    let method = match &state {
        TrackState::Reference(state) => state.method(),
        _ => DYNAMIC_COUNT,
    };
    let ring = record
        .ring
        .into_iter()
        .map(|closed| restore_closed(closed, method))
        .collect();
    Ok(Track {
        measure: record.measure,
        state,
        ring,
    })
}

fn expectation_record(expectation: &Expectation) -> ExpectationRecord {
    match expectation {
        Expectation::Count(it) => ExpectationRecord::Count([
            it.mean,
            it.dispersion,
            it.rate_variance,
            it.dispersion_deviation,
            it.points,
            it.season_probability,
        ]),
        Expectation::Share(it) => {
            ExpectationRecord::Share([it.mean, it.correlation, it.level_correlation, it.points])
        }
        Expectation::Mean(it) => ExpectationRecord::Mean([
            it.mean,
            it.within_variance,
            it.between_variance,
            it.level_variance,
            it.degrees,
            it.points,
        ]),
    }
}

fn restore_expectation(record: &ExpectationRecord, method: &'static str) -> Expectation {
    match *record {
        ExpectationRecord::Count(
            [
                mean,
                dispersion,
                rate_variance,
                dispersion_deviation,
                points,
                season_probability,
            ],
        ) => Expectation::Count(Forecast {
            mean,
            dispersion,
            rate_variance,
            dispersion_deviation,
            points,
            season_probability,
            method,
        }),
        ExpectationRecord::Share([mean, correlation, level_correlation, points]) => {
            Expectation::Share(ShareForecast {
                mean,
                correlation,
                level_correlation,
                points,
                method: DYNAMIC_SHARE,
            })
        }
        ExpectationRecord::Mean(
            [
                mean,
                within_variance,
                between_variance,
                level_variance,
                degrees,
                points,
            ],
        ) => Expectation::Mean(MeanForecast {
            mean,
            within_variance,
            between_variance,
            level_variance,
            degrees,
            points,
            method: DYNAMIC_MEAN,
        }),
    }
}

fn restore_closed(record: ClosedRecord, method: &'static str) -> Closed {
    let verdict = Verdict {
        observed: record.verdict.observed,
        items: record.verdict.items,
        expected: record.verdict.expected,
        deviation: record.verdict.deviation,
        p_bucket: record.verdict.p_bucket,
        p_combined: record.verdict.p_combined,
    };
    let expectation = restore_expectation(&record.expectation, method);
    Closed {
        bucket: record.bucket,
        revision: record.revision,
        verdict,
        expectation,
        discovered: record.discovered,
    }
}
