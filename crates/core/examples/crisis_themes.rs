//! Proposed themes on tweets of crises, through the machine: which crises are proposed, when, and what else is.
//!
//! `cargo run --release -p auscult-core --example crisis_themes -- ../shared/data/crisis_tweets_dev.csv.gz`
//!
//! Texts go in as mentions on one channel, signed as Listen signs them; Listen itself (redaction, themes) is left out. Settings are those
//! of the detector's own evaluation (`make eval`), nothing was chosen here.
#![expect(clippy::print_stdout, reason = "an evaluation for people")]

use auscult_core::alert::Alert;
use auscult_core::effect::Effect;
use auscult_core::input::{Input, Marker};
use auscult_core::mention::{About, Mention, Who};
use auscult_core::partition::Partition;
use auscult_core::proposals::NEW_THEME_VIEW;
use auscult_core::settings::{DetectSettings, NewThemes};
use auscult_core::time::{DAY, Timestamp, civil_date};
use auscult_core::words::{AlertChange, Channel, SourceType, Stakeholder, Tier};
use auscult_language::near_duplicate::{self, Signature};
use auscult_language::words::Words;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Read;
use std::sync::Arc;

/// Days that only teach; a crisis that begins within twice as many cannot be judged.
const WARM_UP: u32 = 10;
const LEAST_PEOPLE: u32 = 8;

struct Tweet {
    id: String,
    at: Timestamp,
    text: String,
    event: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(path) = std::env::args().nth(1) else {
        println!("skipped: name the file of tweets (crisis_tweets_*.csv.gz)");
        return Ok(());
    };
    let mut tweets = read(&path)?;
    tweets.sort_by(|left, right| (left.at, &left.id).cmp(&(right.at, &right.id)));
    let proposals = propose(&tweets)?;
    judge(&tweets, &proposals);
    Ok(())
}

fn read(path: &str) -> Result<Vec<Tweet>, Box<dyn Error>> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path)?).read_to_string(&mut text)?;
    let mut tweets = Vec::new();
    for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
        let row: BTreeMap<String, String> = row?;
        let at = moment(&row["timestamp_utc"]).ok_or("a time that cannot be read")?;
        tweets.push(Tweet {
            id: row["tweet_id"].clone(),
            at,
            text: row["text"].clone(),
            event: row["event"].clone(),
        });
    }
    Ok(tweets)
}

/// `2012-05-18 11:04:31Z`, by counting days from the year 2000.
fn moment(text: &str) -> Option<Timestamp> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let mut at = Timestamp(10_957 * DAY);
    while civil_date(at) < (year as i32, month as u32, day as u32) {
        at = at.plus(DAY);
    }
    let seconds = (number(11, 13)? * 60 + number(14, 16)?) * 60 + number(17, 19)?;
    Some(at.plus(seconds * 1_000))
}

fn propose(tweets: &[Tweet]) -> Result<Vec<Alert>, Box<dyn Error>> {
    let mut written = DetectSettings::standard();
    written.new_themes = NewThemes {
        least_people: LEAST_PEOPLE,
        least_sources: 1,
        warm_up_buckets: WARM_UP,
        half_life_buckets: 20,
        ..written.new_themes
    };
    let settings = written
        .check()
        .map_err(|problems| format!("{problems:?}"))?;
    let mut partition = Partition::new(Arc::new(settings));
    let mut effects = Vec::new();
    let mut today = tweets.first().map_or(0, |tweet| tweet.at.0 / DAY);
    for tweet in tweets {
        while tweet.at.0 / DAY > today {
            today += 1;
            partition.apply(&Input::Marker(&marker(today)), &mut effects);
        }
        partition.apply(&Input::Mention(&mention(tweet, today)), &mut effects);
    }
    partition.apply(&Input::Marker(&marker(today + 1)), &mut effects);
    let alerts = effects.into_iter().filter_map(|effect| match effect {
        Effect::Alert(alert) => Some(*alert),
        _ => None,
    });
    Ok(alerts
        .filter(|alert| alert.series.view == NEW_THEME_VIEW && alert.change == AlertChange::Raised)
        .collect())
}

fn marker(day: i64) -> Marker {
    Marker {
        source_partition: "tweets/0".to_owned(),
        watermark: Timestamp(day * DAY),
        source_partitions: 1,
        backfill: false,
    }
}

fn mention(tweet: &Tweet, today: i64) -> Mention<'static> {
    Mention {
        tenant: "t".into(),
        portfolio: "t|-".into(),
        event_source: "/tweets".into(),
        event_id: tweet.id.clone().into(),
        feedback_id: tweet.id.clone().into(),
        occurred_at: tweet.at,
        recorded_at: tweet.at,
        watermark: Timestamp(today * DAY),
        feed: "twitter/-/social".into(),
        who: Who {
            person: None,
            stakeholder: Stakeholder::Unknown,
            tier: Tier::NotApplicable,
            specialty: "".into(),
            setting: None,
            organisation: "".into(),
            country: "".into(),
            region: "".into(),
            channel: Some(Channel::Social),
            source: SourceType::Social,
        },
        about: About::default(),
        text: tweet.text.clone().into(),
        language: "".into(),
        themes: Vec::new(),
        stances: Vec::new(),
        sentiment: None,
        rating: None,
        thread: None,
        signature: Signature::of(&Words::of(&tweet.text), near_duplicate::LEAST_WORDS, false),
        safety_candidate: false,
        medical_request: false,
        canary: false,
        extra: Vec::new(),
        models: Vec::new(),
    }
}

/// A proposal is about the crisis most of its quotes are of; the first of a crisis finds it.
fn judge(tweets: &[Tweet], proposals: &[Alert]) {
    let event_of: BTreeMap<&str, &str> = tweets
        .iter()
        .map(|tweet| (tweet.id.as_str(), tweet.event.as_str()))
        .collect();
    let mut days: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for tweet in tweets {
        let days = days.entry(&tweet.event).or_default();
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
            None => println!("{event}: not proposed"),
            Some(alert) => {
                // Told when its bucket, a day, has ended.
                let delay = alert.as_of.0 / DAY - 1 - audible;
                println!(
                    "{event}: {delay} days after {LEAST_PEOPLE} people could be heard, {}",
                    alert.title
                );
                delays.push(delay);
            }
        }
    }
    delays.sort_unstable();
    let heard: BTreeSet<i64> = days.values().flatten().copied().collect();
    let buckets = heard.len() as f64;
    println!(
        "{} of {judged} crises proposed, median delay {} days; of {} proposals {facets} are later facets of a crisis already proposed ({:.0} per 1,000 of {} days with a tweet) and {of_none} are about no one crisis ({:.0} per 1,000)",
        delays.len(),
        delays.get(delays.len() / 2).copied().unwrap_or(0),
        proposals.len(),
        1000.0 * f64::from(facets) / buckets,
        heard.len(),
        1000.0 * f64::from(of_none) / buckets,
    );
}
