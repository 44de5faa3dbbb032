//! Prints what the count model makes of a series given as arguments: a look at the method without the machine.
//!
//! `cargo run -p auscult-statistics --example trace -- 12 3 4 5 6 40 41`: buckets per year, then counts.
#![expect(clippy::print_stdout, reason = "an example for people")]

use auscult_statistics::count::{BucketContext, CountModel, CountSettings, Prior, Season};

fn main() {
    let numbers: Vec<f64> = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    let Some((&buckets_per_year, counts)) = numbers.split_first() else {
        return;
    };
    let settings = CountSettings::default()
        .check()
        .unwrap_or_else(|problems| unreachable!("{problems:?}"));
    let model = CountModel::new(
        settings,
        Season {
            phases: 1,
            buckets_per_year,
        },
    );
    let mut state = model.start(&Prior::vague());
    println!("bucket  observed  expected  dispersion  p_bucket  p_combined  in_control");
    for (index, &count) in counts.iter().enumerate() {
        let evidence = model.step(
            &mut state,
            &BucketContext::plain(index as i64, 0),
            Some(count as u64),
        );
        println!(
            "{index:6}  {count:8}  {:8.2}  {:10.2}  {:8.1e}  {:10.1e}  {:10.2}",
            evidence.forecast.mean,
            evidence.forecast.dispersion,
            evidence.judgement.p_two_sided,
            evidence.combined.p_two_sided,
            evidence.weight
        );
    }
}
