//! Sentiment: correlation with the mean of human raters.

use crate::data;
use crate::report::{Report, pearson};
use auscult_language::sentiment::train::{Rated, Training, predict, read_seeds, train};
use auscult_language::sentiment::{Lexicon, score};
use std::path::Path;

const SEEDS: &str = include_str!("../../resources/sentiment.seeds.txt");
const FOLDS: u64 = 5;
/// Patient comments are labelled by what the answer means for the service, not by how it sounds.
const OTHER_WEIGHT: f32 = 0.1;

/// A rated text with the key that decides its fold: a respondent, a review, a tweet.
pub struct Item {
    pub text: String,
    pub rating: f32,
    pub group: String,
    pub set: usize,
    pub weight: f32,
}

pub fn run(
    folder: &Path,
    cross_validate: bool,
    report: &mut Report,
) -> data::anyhow_lite::Result<()> {
    let (items, names) = read(folder)?;
    for (set, name) in names
        .iter()
        .enumerate()
        .filter(|(_, name)| name.starts_with("sentiment_"))
    {
        let pairs: Vec<(f64, f64)> = items
            .iter()
            .filter(|item| item.set == set)
            .map(|item| {
                (
                    f64::from(score(&item.text, &[]).overall.unwrap_or(0)),
                    f64::from(item.rating),
                )
            })
            .collect();
        report.add(
            "sentiment",
            name,
            "shipped lexicon",
            format!("r = {:.4} (n = {})", pearson(&pairs), pairs.len()),
            "≥ vaderSentiment on the same set",
        );
    }
    for (set, name) in names
        .iter()
        .enumerate()
        .filter(|(_, name)| !name.starts_with("sentiment_"))
    {
        let pairs: Vec<(f64, f64)> = items
            .iter()
            .filter(|item| item.set == set)
            .map(|item| {
                (
                    f64::from(score(&item.text, &[]).overall.unwrap_or(0)),
                    f64::from(item.rating),
                )
            })
            .collect();
        report.add(
            "sentiment",
            name,
            "shipped lexicon",
            format!("r = {:.4} (n = {})", pearson(&pairs), pairs.len()),
            "",
        );
    }
    if cross_validate {
        let seeds = read_seeds(SEEDS)?;
        let only_seeds = Lexicon::from_rows("seeds".into(), seeds.clone());
        report_split(
            "seeds alone, nothing trained",
            &items,
            &names,
            |item| predict(&only_seeds, &item.text),
            report,
        );
        let folds: Vec<Lexicon> = (0..FOLDS)
            .map(|fold| {
                fit(
                    &seeds,
                    items
                        .iter()
                        .filter(|item| data::fold(&item.group, FOLDS) != fold),
                )
            })
            .collect();
        report_split(
            "5-fold cross-validation by text, review or respondent",
            &items,
            &names,
            |item| predict(&folds[data::fold(&item.group, FOLDS) as usize], &item.text),
            report,
        );
        if std::env::args().any(|argument| argument == "--detail") {
            let mut worst: Vec<(f32, f32, &str)> = items
                .iter()
                .filter(|item| {
                    names[item.set].contains("tweets") && data::fold(&item.group, 2) == 0
                })
                .map(|item| {
                    (
                        predict(&folds[data::fold(&item.group, FOLDS) as usize], &item.text),
                        item.rating,
                        item.text.as_str(),
                    )
                })
                .collect();
            worst.sort_by(|a, b| (b.0 - b.1).abs().total_cmp(&(a.0 - a.1).abs()));
            worst
                .iter()
                .take(130)
                .for_each(|(found, rating, text)| eprintln!("  {found:.2} {rating:.2} {text}"));
        }
        let others: Vec<Lexicon> = (0..names.len())
            .map(|set| fit(&seeds, items.iter().filter(|item| item.set != set)))
            .collect();
        report_split(
            "trained on the other collections only",
            &items,
            &names,
            |item| predict(&others[item.set], &item.text),
            report,
        );
    }
    Ok(())
}

fn report_split(
    split: &str,
    items: &[Item],
    names: &[String],
    predict: impl Fn(&Item) -> f32,
    report: &mut Report,
) {
    for (set, name) in names.iter().enumerate() {
        let pairs: Vec<(f64, f64)> = items
            .iter()
            .filter(|item| item.set == set)
            .map(|item| (f64::from(predict(item)), f64::from(item.rating)))
            .collect();
        let target = if name.starts_with("sentiment_") {
            "≥ vaderSentiment on the same set"
        } else {
            ""
        };
        report.add(
            "sentiment",
            name,
            split,
            format!("r = {:.4} (n = {})", pearson(&pairs), pairs.len()),
            target,
        );
    }
}

pub fn fit<'a>(seeds: &[(String, f32)], items: impl Iterator<Item = &'a Item>) -> Lexicon {
    let rated: Vec<Rated> = items
        .map(|item| Rated {
            text: &item.text,
            rating: item.rating,
            set: item.set,
            weight: item.weight,
        })
        .collect();
    train("auscult-feeling@1", seeds, &rated, Training::default())
}

/// Every rated text of the folder: the two VADER sets, and patient comments with a human sentiment.
pub fn read(folder: &Path) -> data::anyhow_lite::Result<(Vec<Item>, Vec<String>)> {
    let (mut items, mut names) = (Vec::new(), Vec::new());
    for path in data::files(folder, "sentiment_") {
        let set = names.len();
        names.push(data::name_of(&path));
        for row in data::rows(&path)? {
            let Some(rating) = row
                .iter()
                .find(|(name, _)| name.starts_with("mean_"))
                .and_then(|(_, value)| value.parse::<f32>().ok())
            else {
                continue;
            };
            let id = data::cell(&row, "id");
            // `12_3` is sentence 3 of review 12.
            let group = format!("{set}/{}", id.split('_').next().unwrap_or(id));
            items.push(Item {
                text: data::cell(&row, "text").to_owned(),
                rating: rating / 4.0,
                group,
                set,
                weight: 1.0,
            });
        }
    }
    for path in data::files(folder, "nhs_feedback_") {
        let set = names.len();
        names.push(data::name_of(&path));
        for row in data::rows(&path)? {
            let (text, group) = (
                data::cell(&row, "fft_answer"),
                data::cell(&row, "respondent_id"),
            );
            // 1 very positive … 5 very negative; "Did not answer" has no label.
            if let (Ok(sentiment), false) = (
                data::cell(&row, "comment_sentiment").parse::<f32>(),
                text.is_empty(),
            ) {
                items.push(Item {
                    text: text.to_owned(),
                    rating: (3.0 - sentiment) / 2.5,
                    group: group.to_owned(),
                    set,
                    weight: OTHER_WEIGHT,
                });
            }
            let (text, group) = (data::cell(&row, "feedback"), data::cell(&row, "row_index"));
            let criticality = data::cell(&row, "criticality").parse::<f32>().ok();
            if let Some(criticality) =
                criticality.filter(|value| value.abs() <= 5.0 && !text.is_empty())
            {
                let rating = criticality / 6.0;
                items.push(Item {
                    text: text.to_owned(),
                    rating,
                    group: group.to_owned(),
                    set,
                    weight: OTHER_WEIGHT,
                });
            }
        }
    }
    Ok((items, names))
}
