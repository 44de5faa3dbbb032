//! A row becomes a feedback event, or a reason why it cannot.

use super::map::{ColumnMap, RatingMap};
use super::rows::Row;
use auscult_core::time::Timestamp;
use auscult_core::words::{ConsentBasis, ContentFormat, FeedbackKind, PrivacyState, Tier};
use auscult_wire::extra::Extra;
use auscult_wire::feedback::{
    About, Awareness, Consent, Content, FEEDBACK_RECEIVED, FEEDBACK_SCHEMA, Feedback, Links,
    Privacy, RatingMeasure, Respondent, Source,
};
use auscult_wire::{Envelope, FeedbackEvent};

/// Builds the event of one row. Event ids follow from the content, so loading a file twice changes nothing.
///
/// # Errors
/// Words that name the column, the value and what was expected.
pub fn of_row(row: &Row, map: &ColumnMap) -> Result<FeedbackEvent<'static>, String> {
    let feedback_id = value(row, &map.feedback_id)
        .ok_or_else(|| format!("column {} is empty: a row needs an id", map.feedback_id))?
        .to_owned();
    let occurred_at = moment(row, &map.occurred_at, &map.time_format)?
        .ok_or_else(|| format!("column {} is empty: a row needs a time", map.occurred_at))?;
    let recorded_at = if map.recorded_at.is_empty() {
        None
    } else {
        moment(row, &map.recorded_at, &map.time_format)?
    }
    .unwrap_or(occurred_at);
    let text = text(row, map);
    let measures: Vec<RatingMeasure<'static>> = map
        .rating
        .iter()
        .filter_map(|rating| measure(row, rating))
        .collect();
    let format = match (text.is_empty(), measures.is_empty()) {
        (false, false) => ContentFormat::Mixed,
        (true, false) => ContentFormat::Rating,
        _ => ContentFormat::Text,
    };
    let owned = |column: &str| value(row, column).unwrap_or_default().to_owned();
    let source_name = format!("/tenants/{}/sources/{}", map.tenant, map.system);
    let event_id = auscult_core::identity::outward_id(
        "row_",
        &[
            &source_name,
            &feedback_id,
            &recorded_at.0.to_string(),
            &text,
        ],
    );
    let data = Feedback {
        kind: FeedbackKind::Feedback,
        source: Source {
            system: map.system.clone().into(),
            instance: map.instance.clone().into(),
            kind: map.source,
        },
        channel: map.channel,
        occurred_at,
        awareness: Awareness {
            at: recorded_at,
            by_function: "".into(),
            by_organisation: "company".into(),
        },
        solicitation: map.solicitation,
        respondent: Respondent {
            reference: value(row, &map.respondent).map(|text| text.to_owned().into()),
            kind: map.stakeholder,
            tier: Some(Tier::NotApplicable),
            specialty: "".into(),
            setting: None,
            organisation: owned(&map.organisation).into(),
            country: map.country.clone().into(),
            region: owned(&map.region).into(),
        },
        about: About {
            products: products(row, map).into_iter().map(Into::into).collect(),
            ..About::default()
        },
        content: Content {
            format,
            text: text.into(),
            language: "".into(),
            measures,
            choices: Vec::new(),
            origin: None,
            origin_confidence: None,
        },
        exposure: None,
        consent: Consent {
            basis: ConsentBasis::PublicSource,
            purposes: vec!["insight".into()],
            may_contact: false,
            contact_vault: None,
        },
        privacy: Privacy {
            state: PrivacyState::Raw,
            classes_found: Vec::new(),
            ruleset: "none".into(),
        },
        links: Links {
            thread: thread(row, map).map(Into::into),
            ..Links::default()
        },
        canary: false,
        extra: extra(row, map),
        feedback_id: feedback_id.into(),
    };
    let envelope = Envelope {
        id: event_id.into(),
        source: source_name.into(),
        kind: FEEDBACK_RECEIVED.into(),
        subject: Some(format!("feedback/{}", data.feedback_id).into()),
        time: Some(occurred_at),
        recorded_time: Some(recorded_at),
        data_schema: Some(FEEDBACK_SCHEMA.into()),
        tenant_id: Some(map.tenant.clone().into()),
        ..Envelope::default()
    };
    Ok(FeedbackEvent { envelope, data })
}

fn value<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.get(column)
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
}

fn text(row: &Row, map: &ColumnMap) -> String {
    let parts: Vec<&str> = map
        .text
        .iter()
        .filter_map(|column| value(row, column))
        .filter(|text| {
            !map.empty_texts
                .iter()
                .any(|empty| empty.eq_ignore_ascii_case(text))
        })
        .collect();
    parts.join(" ")
}

/// The product named, or else the hashtags: each once, without case, so that `#Flood` and `#flood` are one.
fn products(row: &Row, map: &ColumnMap) -> Vec<String> {
    if let Some(product) = value(row, &map.product) {
        return vec![product.to_owned()];
    }
    let text = value(row, &map.hashtags).unwrap_or_default();
    let mut found: Vec<String> = text
        .split('#')
        .skip(1)
        .map(|after| {
            after
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                .flat_map(char::to_lowercase)
                .collect::<String>()
        })
        .filter(|tag| tag.chars().any(char::is_alphabetic))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn thread(row: &Row, map: &ColumnMap) -> Option<String> {
    let parts: Vec<&str> = map
        .thread
        .iter()
        .filter_map(|column| value(row, column))
        .collect();
    (!parts.is_empty()).then(|| parts.join("|"))
}

fn extra(row: &Row, map: &ColumnMap) -> Extra<'static> {
    let mut extra = Extra::default();
    for column in &map.extra {
        if let Some(text) = value(row, column) {
            extra.push_text(column.clone(), text);
        }
    }
    extra
}

fn measure(row: &Row, rating: &RatingMap) -> Option<RatingMeasure<'static>> {
    if let Some((column, wanted)) = &rating.only_when
        && value(row, column) != Some(wanted.as_str())
    {
        return None;
    }
    let number: f64 = value(row, &rating.column)?.parse().ok()?;
    let (low, high) = (rating.worst.min(rating.best), rating.worst.max(rating.best));
    // Codes outside the scale ("don't know") are no rating.
    if !(low..=high).contains(&number) {
        return None;
    }
    // A scale that runs from good to bad is turned round: the wire's `min` is always the worst.
    let turned = if rating.worst < rating.best {
        number
    } else {
        low + high - number
    };
    Some(RatingMeasure {
        code: rating.column.clone().into(),
        value: turned,
        least: Some(low),
        greatest: Some(high),
    })
}

fn moment(row: &Row, column: &str, format: &str) -> Result<Option<Timestamp>, String> {
    let Some(text) = value(row, column) else {
        return Ok(None);
    };
    parse(text, format)
        .map(Some)
        .map_err(|reason| format!("column {column}: {text:?} does not read as {format} ({reason})"))
}

/// Reads a moment; `rfc3339` or a `strptime` format, UTC where the text names no zone.
///
/// # Errors
/// What the reader says about the text.
pub fn parse(text: &str, format: &str) -> Result<Timestamp, String> {
    if format == "rfc3339" {
        return auscult_wire::time::parse(text).map_err(|error| format!("{error:?}"));
    }
    let broken_down = jiff::fmt::strtime::parse(format, text).map_err(|error| error.to_string())?;
    if let Ok(stamp) = broken_down.to_timestamp() {
        return Ok(Timestamp(stamp.as_millisecond()));
    }
    let zoned = match broken_down.to_datetime() {
        Ok(datetime) => datetime.to_zoned(jiff::tz::TimeZone::UTC),
        Err(_) => broken_down
            .to_date()
            .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC)),
    };
    zoned
        .map(|zoned| Timestamp(zoned.timestamp().as_millisecond()))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashtags_are_what_a_post_is_about_where_no_product_is_named() {
        let text = "[event]\ntenant='t'\nsystem='s'\n[columns]\nfeedback_id='#line'\noccurred_at='day'\n\
                    product='what'\nproduct_hashtags_of='post'\n";
        let map = super::super::map::read(text, std::path::Path::new("."))
            .expect("a sound map")
            .columns;
        let of = |what: &str| {
            let post = "#Flood, #flood and #2012 near #São_Paulo".to_owned();
            products(
                &Row::from([
                    ("what".to_owned(), what.to_owned()),
                    ("post".to_owned(), post),
                ]),
                &map,
            )
        };
        assert_eq!(of(""), ["flood", "são_paulo"]);
        assert_eq!(of("alpha"), ["alpha"]);
        assert!(!map.named_columns().contains(&"#line"));
    }

    #[test]
    fn times_read_with_and_without_a_clock() {
        assert_eq!(
            parse("2021-09-30", "%Y-%m-%d"),
            Ok(Timestamp(1_632_960_000_000))
        );
        assert_eq!(
            parse("30/09/2021 06:30", "%d/%m/%Y %H:%M"),
            Ok(Timestamp(1_632_983_400_000))
        );
        assert_eq!(
            parse("2021-09-30T00:00:00Z", "rfc3339"),
            Ok(Timestamp(1_632_960_000_000))
        );
        assert!(parse("soon", "%Y-%m-%d").is_err());
    }

    #[test]
    fn a_scale_from_good_to_bad_is_turned_and_codes_outside_are_no_rating() {
        let rating = RatingMap {
            column: "r".into(),
            worst: 5.0,
            best: 1.0,
            only_when: None,
        };
        let of = |text: &str| {
            measure(&Row::from([("r".to_owned(), text.to_owned())]), &rating)
                .map(|measure| measure.value)
        };
        assert_eq!(
            [of("1"), of("5"), of("6"), of("x")],
            [Some(5.0), Some(1.0), None, None]
        );
    }
}
