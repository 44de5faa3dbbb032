//! Tweets on crises: each crisis is a new theme among the others.

use crate::data;
use crate::recalls::{date, day};
use crate::report::Report;
use auscult_language::emerging::{Emerging, EmergingTheme, Settings};
use auscult_language::near_duplicate::{self, NearDuplicates};
use auscult_language::stable_hash::hash_bytes;
use std::collections::BTreeMap;
use std::path::Path;

struct Tweet {
    at: i64,
    hour: i64,
    id: u64,
    text: String,
    event: String,
}

pub fn run(folder: &Path, report: &mut Report) -> data::anyhow_lite::Result<()> {
    for path in data::files(folder, "crisis_tweets_") {
        let mut tweets: Vec<Tweet> = data::rows(&path)?
            .iter()
            .filter_map(|row| {
                let time = data::cell(row, "timestamp_utc");
                let hour = time.get(11..13)?.parse::<i64>().ok()?;
                let at = day(time)?;
                Some(Tweet {
                    at,
                    hour: at * 24 + hour,
                    id: data::cell(row, "tweet_id").parse().ok()?,
                    text: data::cell(row, "text").to_owned(),
                    event: data::cell(row, "event").to_owned(),
                })
            })
            .collect();
        tweets.sort_by_key(|tweet| (tweet.hour, tweet.id));
        let set = data::name_of(&path);
        one(&set, &tweets, report);
    }
    Ok(())
}

/// Daily buckets; every tweet that is no repost is a person; the channel is one, so one source is enough here.
fn one(set: &str, tweets: &[Tweet], report: &mut Report) {
    let settings = Settings {
        least_people: 8,
        least_sources: 1,
        warm_up: 10,
        half_life: 20.0,
        ..Settings::default()
    };
    let mut detector = Emerging::new(settings);
    let mut seen = NearDuplicates::new(near_duplicate::Settings::default());
    let mut events: BTreeMap<u64, &str> = BTreeMap::new();
    let mut found: Vec<(i64, EmergingTheme)> = Vec::new();
    let (mut bucket, mut buckets, mut reposts) = (i64::MIN, 0usize, 0usize);
    for tweet in tweets {
        if tweet.at != bucket {
            if bucket != i64::MIN {
                found.extend(
                    detector
                        .close_bucket(bucket)
                        .into_iter()
                        .map(|theme| (bucket, theme)),
                );
            }
            bucket = tweet.at;
            buckets += 1;
        }
        events.insert(tweet.id, &tweet.event);
        if seen.observe(tweet.id, &tweet.text).is_some() {
            reposts += 1;
        } else {
            detector.observe(
                tweet.at,
                &tweet.text,
                tweet.id,
                hash_bytes(b"twitter"),
                tweet.id,
            );
        }
    }
    found.extend(
        detector
            .close_bucket(bucket)
            .into_iter()
            .map(|theme| (bucket, theme)),
    );
    report.add(
        "near-duplicates, reposts linked",
        set,
        "all",
        format!("{reposts} of {} tweets", tweets.len()),
        "",
    );
    let mut onset: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for tweet in tweets {
        let entry = onset.entry(&tweet.event).or_insert((tweet.at, 0));
        entry.1 += 1;
    }
    // The day by which the crisis had as many tweets as a proposal needs people: before it nothing could be found.
    let visible = |event: &str| {
        tweets
            .iter()
            .filter(|tweet| tweet.event == event)
            .nth(settings.least_people as usize - 1)
            .map_or(0, |tweet| tweet.at)
    };
    let mut first: BTreeMap<&str, (i64, &EmergingTheme)> = BTreeMap::new();
    let mut extra = 0;
    for (at, theme) in &found {
        // A proposal is about the crisis most of its exemplars are of.
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        theme
            .exemplars
            .iter()
            .filter_map(|item| events.get(item))
            .for_each(|event| *votes.entry(event).or_default() += 1);
        match votes.into_iter().max_by_key(|(_, votes)| *votes) {
            Some((event, votes))
                if 2 * votes > theme.exemplars.len() && !first.contains_key(event) =>
            {
                first.insert(event, (*at, theme));
            }
            _ => extra += 1,
        }
    }
    let mut delays: Vec<i64> = Vec::new();
    let learnable: Vec<(&str, i64)> = onset
        .iter()
        .filter(|(_, (day, _))| *day > tweets[0].at + 20)
        .map(|(event, (day, _))| (*event, *day))
        .collect();
    for (event, _) in &learnable {
        let text = match first.get(event) {
            Some((at, theme)) => {
                delays.push(at - visible(event));
                format!(
                    "found on {} as \"{}\", {} days after {} people could be heard",
                    date(*at),
                    theme.label,
                    at - visible(event),
                    settings.least_people
                )
            }
            None => "not found".into(),
        };
        report.add("new themes", set, event, text, "found");
    }
    delays.sort_unstable();
    let median = delays.get(delays.len() / 2).copied().unwrap_or(0);
    report.add(
        "new themes, crises found",
        set,
        "all that begin after the warm-up",
        format!(
            "{} of {}, median delay {median} days",
            delays.len(),
            learnable.len()
        ),
        "all",
    );
    report.add(
        "new themes, other proposals",
        set,
        &format!("{buckets} daily buckets"),
        format!(
            "{extra} ({:.0} per 1,000 buckets); most are later facets of a crisis already found",
            1000.0 * extra as f64 / buckets.max(1) as f64
        ),
        "few",
    );
    if std::env::args().any(|argument| argument == "--detail") {
        found.iter().for_each(|(at, theme)| {
            eprintln!(
                "  {} people {} z {:.1}: {} [{}]",
                date(*at),
                theme.people,
                theme.significance,
                theme.label,
                theme
                    .exemplars
                    .first()
                    .and_then(|item| events.get(item))
                    .unwrap_or(&"")
            )
        });
    }
}
