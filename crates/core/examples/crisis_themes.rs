//! Proposed themes on tweets of crises, through the machine: which crises are proposed, when, and what else is.
//!
//! `cargo run --release -p auscult-core --example crisis_themes -- ../shared/data/crisis_tweets_dev.csv.gz`
//!
//! Texts go in as mentions on one channel, signed as Listen signs them; Listen itself (redaction, themes) is left out. Settings are those
//! of the detector's own evaluation (`make eval`), nothing was chosen here.
#![expect(clippy::print_stdout, reason = "an evaluation for people")]

#[path = "support/mod.rs"]
mod support;

use auscult_core::alert::Alert;
use auscult_core::settings::{DetectSettings, NewThemes};
use auscult_core::time::{DAY, Timestamp};
use auscult_core::words::SourceType;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use support::{Said, propose, tell};

/// Days that only teach; a crisis that begins within twice as many cannot be judged.
const WARM_UP: u32 = 10;
const LEAST_PEOPLE: u32 = 8;
const TASK: &str = "new themes, through the machine";

struct Tweet {
    said: Said,
    event: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(path) = std::env::args().nth(1) else {
        println!("skipped: name the file of tweets (crisis_tweets_*.csv.gz)");
        return Ok(());
    };
    let mut tweets = read(&path)?;
    tweets
        .sort_by(|left, right| (left.said.at, &left.said.id).cmp(&(right.said.at, &right.said.id)));
    let mut settings = DetectSettings::standard();
    settings.new_themes = NewThemes {
        least_people: LEAST_PEOPLE,
        least_sources: 1,
        warm_up_buckets: WARM_UP,
        half_life_buckets: 20,
        ..settings.new_themes
    };
    let (said, events): (Vec<Said>, Vec<String>) = tweets
        .into_iter()
        .map(|tweet| (tweet.said, tweet.event))
        .unzip();
    let proposals = propose(settings, &said)?;
    judge(&support::set_of(&path), &said, &events, &proposals);
    Ok(())
}

fn read(path: &str) -> Result<Vec<Tweet>, Box<dyn Error>> {
    let mut tweets = Vec::new();
    for row in support::rows(path)? {
        let at = moment(&row["timestamp_utc"]).ok_or("a time that cannot be read")?;
        tweets.push(Tweet {
            said: Said {
                id: row["tweet_id"].clone(),
                at,
                text: row["text"].clone(),
                person: None,
                thread: None,
                source: SourceType::Social,
            },
            event: row["event"].clone(),
        });
    }
    Ok(tweets)
}

/// `2012-05-18 11:04:31Z`.
fn moment(text: &str) -> Option<Timestamp> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let seconds = (number(11, 13)? * 60 + number(14, 16)?) * 60 + number(17, 19)?;
    Some(support::day(text)?.plus(seconds * 1_000))
}

/// A proposal is about the crisis most of its quotes are of; the first of a crisis finds it.
fn judge(set: &str, tweets: &[Said], events: &[String], proposals: &[Alert]) {
    let told = || tweets.iter().zip(events.iter().map(String::as_str));
    let event_of: BTreeMap<&str, &str> = told()
        .map(|(tweet, event)| (tweet.id.as_str(), event))
        .collect();
    let mut days: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (tweet, event) in told() {
        let days = days.entry(event).or_default();
        days.push(tweet.at.0 / DAY);
    }
    let mut first: BTreeMap<&str, &Alert> = BTreeMap::new();
    let (mut facets, mut of_none) = (0, 0);
    for alert in proposals {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for example in &alert.examples {
            *votes
                .entry(event_of[example.feedback_id.as_str()])
                .or_default() += 1;
        }
        match votes.into_iter().max_by_key(|(_, votes)| *votes) {
            Some((event, votes)) if 2 * votes > alert.examples.len() => {
                if first.contains_key(event) {
                    facets += 1;
                } else {
                    first.insert(event, alert);
                }
            }
            _ => of_none += 1,
        }
    }
    let start = tweets.first().map_or(0, |tweet| tweet.at.0 / DAY);
    let end = tweets.last().map_or(0, |tweet| tweet.at.0 / DAY);
    let mut delays = Vec::new();
    let mut judged = 0;
    for (event, days) in &days {
        if days[0] <= start + 2 * i64::from(WARM_UP) {
            continue;
        }
        judged += 1;
        // The day on which enough people could be heard.
        let audible = days.get(LEAST_PEOPLE as usize - 1).copied().unwrap_or(end);
        match first.get(event) {
            None => tell(TASK, set, event, "not proposed", "found"),
            Some(alert) => {
                // Told when its bucket, a day, has ended.
                let delay = alert.as_of.0 / DAY - 1 - audible;
                let figure = format!(
                    "{delay} days after {LEAST_PEOPLE} people could be heard: {}",
                    alert.title
                );
                tell(TASK, set, event, &figure, "found");
                delays.push(delay);
            }
        }
    }
    delays.sort_unstable();
    let heard: BTreeSet<i64> = days.values().flatten().copied().collect();
    let buckets = heard.len() as f64;
    let figure = format!(
        "{} of {judged}, median delay {} days",
        delays.len(),
        delays.get(delays.len() / 2).copied().unwrap_or(0),
    );
    tell(TASK, set, "crises proposed", &figure, "all");
    let figure = format!(
        "of {} proposals {facets} are later facets of a crisis already proposed ({:.0} per 1,000 of {} days with a tweet), {of_none} about no one crisis ({:.0} per 1,000)",
        proposals.len(),
        1000.0 * f64::from(facets) / buckets,
        heard.len(),
        1000.0 * f64::from(of_none) / buckets,
    );
    tell(TASK, set, "other proposals", &figure, "few");
}
