//! How long pages wait for the read model at 100,000 signals and 1,000,000 points, and how fast it is filled.
//! The target is a first byte under 50 ms.

use auscult_core::time::{DAY, Timestamp};
use auscult_engine::read_model::{ReadModel, SignalFilter, SignalRevision, ViewChange, ViewWriter};
use auscult_store::view::View;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;

const SIGNALS: u32 = 100_000;
const SERIES: i64 = 2_000;
const POINTS_PER_SERIES: i64 = 500;
const TURN: usize = 5_000;

/// About what an alert's data object weighs.
const ALERT_BYTES: usize = 2_500;
/// About what a series point's data object weighs.
const POINT_BYTES: usize = 350;

/// A fixed shuffle, so that neighbours in time are not neighbours in rank.
fn scatter(n: u32) -> u32 {
    n.wrapping_mul(2_654_435_761) >> 7
}

fn signal(n: u32) -> ViewChange {
    let status = ["firing", "resolved", "resolved", "retracted"][(scatter(n) % 4) as usize];
    ViewChange::Signal(SignalRevision {
        portfolio: format!("acme|{:02}", n % 40),
        signal_id: format!("al_{n:08}"),
        revision: 1,
        status: status.into(),
        series_id: format!("series {}", i64::from(n) % SERIES),
        rank: f64::from(scatter(n) % 100_000) / 100_000.0,
        suppressed: n.is_multiple_of(10),
        labels: vec![
            ("brand".into(), format!("brand {}", n % 25)),
            ("kind".into(), "volume_up".into()),
            ("region".into(), format!("region {}", scatter(n) % 300)),
        ],
        as_of: Timestamp(i64::from(n) * 60_000),
        data: "a".repeat(ALERT_BYTES),
    })
}

fn point(series: i64, bucket: i64, revision: u32) -> ViewChange {
    ViewChange::SeriesPoint {
        portfolio: format!("acme|{:02}", series % 40),
        series_id: format!("series {series}"),
        start: Timestamp(bucket * DAY),
        end: Timestamp((bucket + 1) * DAY),
        revision,
        data: "p".repeat(POINT_BYTES),
    }
}

fn filled(folder: &tempfile::TempDir) -> View {
    let mut view = View::open(&folder.path().join("view.db")).expect("a fresh folder");
    for from in (0..SIGNALS).step_by(TURN) {
        view.apply((from..from + TURN as u32).map(signal).collect(), &[])
            .expect("written");
    }
    // As topics bring them: bucket by bucket over all series.
    for bucket in 0..POINTS_PER_SERIES {
        view.apply(
            (0..SERIES).map(|series| point(series, bucket, 1)).collect(),
            &[],
        )
        .expect("written");
    }
    view
}

fn benches(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut view = filled(&folder);
    let mut group = criterion.benchmark_group("view");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_secs(1));

    let page = SignalFilter {
        limit: 50,
        ..SignalFilter::default()
    };
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let filters = [
        ("first_page", page.clone()),
        (
            "firing_of_one_portfolio",
            SignalFilter {
                status: Some("firing".into()),
                portfolio: Some("acme|07".into()),
                ..page.clone()
            },
        ),
        (
            "nothing_matches",
            SignalFilter {
                portfolio: Some("nobody".into()),
                ..page.clone()
            },
        ),
        (
            "two_labels",
            SignalFilter {
                labels: vec![label("kind", "volume_up"), label("region", "region 17")],
                ..page.clone()
            },
        ),
        (
            "page_at_80000",
            SignalFilter {
                offset: 80_000,
                ..page.clone()
            },
        ),
        ("500_rows", SignalFilter { limit: 500, ..page }),
    ];
    for (name, filter) in filters {
        group.bench_function(format!("signals/{name}"), |b| {
            b.iter(|| view.signals(&filter).expect("readable"))
        });
    }
    group.bench_function("signal", |b| {
        b.iter(|| view.signal("al_00012345").expect("readable"))
    });
    group.bench_function("overview", |b| {
        b.iter(|| view.overview(Timestamp(0)).expect("readable"))
    });

    group.throughput(Throughput::Elements(SERIES as u64));
    let mut bucket = POINTS_PER_SERIES;
    group.bench_function("apply_points", |b| {
        b.iter_batched(
            || {
                bucket += 1;
                (0..SERIES)
                    .map(|series| point(series, bucket, 1))
                    .collect::<Vec<_>>()
            },
            |changes| view.apply(changes, &[]).expect("written"),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(view, benches);
criterion_main!(view);
