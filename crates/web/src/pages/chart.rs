//! Observed against expected: an SVG drawn on the server, and the same numbers as a table.
//!
//! Marks differ by shape as well as colour: a filled dot (as expected), a diamond (outside the band), a square
//! around it (restated), a hollow dot (not over yet), hatching (no data).

use crate::view::alert::AlertView;
use crate::view::point::{PointView, Recent};
use crate::words::{axis_day, number, parse_time, time, value};
use auscult_core::time::{DAY, Timestamp};
use maud::{Markup, html};
use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 30.0;

/// From values to places.
struct Scale {
    slot: f64,
    top_value: f64,
}

impl Scale {
    fn of(points: &[PointView]) -> Scale {
        let largest = points
            .iter()
            .flat_map(|point| [point.observed.unwrap_or(0.0), point.high, point.expected])
            .filter(|value| value.is_finite())
            .fold(0.0, f64::max);
        Scale {
            slot: (WIDTH - LEFT - RIGHT) / points.len().max(1) as f64,
            top_value: nice(largest),
        }
    }

    /// Middle of the slot of point `index`.
    fn x(&self, index: usize) -> f64 {
        LEFT + self.slot * (index as f64 + 0.5)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value / self.top_value).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }
}

/// The next number above whose quarters are round.
fn nice(largest: f64) -> f64 {
    if !(largest.is_finite() && largest > 0.0) {
        return 1.0;
    }
    let power = 10f64.powf(largest.log10().floor());
    [1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 4.8, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|top| *top >= largest)
        .unwrap_or(10.0 * power)
}

/// The chart with its legend.
pub(super) fn figure(recent: &Recent, alert: &AlertView) -> Markup {
    let points = &recent.points;
    html! {
        figure.chart data-live="chart" {
            @if points.is_empty() {
                div.empty { p { strong { "No history to draw." } " The series' points have not reached the read model yet; they come with the next closed period." } }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Chart" { (drawing(points, alert)) }
                (legend(points))
                figcaption.hint {
                    @if recent.total > points.len() { "The newest " (points.len()) " of " (recent.total) " periods. " }
                    a href="#numbers" { "The same as a table" }
                }
            }
            @if recent.unreadable > 0 { p.caveat { (recent.unreadable) " points cannot be read and are left out; rebuild the read model from the topics." } }
        }
    }
}

fn drawing(points: &[PointView], alert: &AlertView) -> Markup {
    let scale = Scale::of(points);
    let measure = &alert.series.measure;
    let description = description(points, measure);
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby="chart-title chart-words" {
            title #chart-title { "Observed against the expected band" }
            desc #chart-words { (description) }
            defs { pattern #hatch width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" { line.hatch x1="0" y1="0" x2="0" y2="6" {} } }
            (window(points, alert, &scale))
            (axes(points, measure, &scale))
            path.band d=(band(points, &scale)) {}
            path.expected d=(line(points.iter().map(|point| Some(point.expected)), &scale)) {}
            (contexts(points, alert, &scale))
            path.observed d=(line(points.iter().map(|point| point.observed), &scale)) {}
            @for (index, point) in points.iter().enumerate() { (mark(index, point, measure, &scale)) }
        }
    }
}

fn description(points: &[PointView], measure: &str) -> String {
    let outside = points.iter().filter(|point| point.outside()).count();
    let missing = points
        .iter()
        .filter(|point| point.observed.is_none())
        .count();
    let last = points
        .last()
        .and_then(|point| point.observed.map(|observed| (observed, point)));
    let mut words = format!(
        "{} periods; {outside} outside the band; {missing} without data.",
        points.len()
    );
    if let Some((observed, point)) = last {
        let _ = write!(
            words,
            " The last: {} against {} expected.",
            value(measure, observed),
            value(measure, point.expected)
        );
    }
    words
}

fn axes(points: &[PointView], measure: &str, scale: &Scale) -> Markup {
    let step = (points.len() / 6).max(1);
    let hourly = points
        .first()
        .is_some_and(|point| point.end.0 - point.start.0 < DAY);
    html! {
        g.axes {
            @for quarter in 0..=4 {
                @let level = scale.top_value * f64::from(quarter) / 4.0;
                line x1=(LEFT) x2=(WIDTH - RIGHT) y1=(place(scale.y(level))) y2=(place(scale.y(level))) {}
                text x=(LEFT - 8.0) y=(place(scale.y(level) + 4.0)) text-anchor="end" { (value(measure, level)) }
            }
            @for (index, point) in points.iter().enumerate() {
                @if index % step == 0 && index + step / 2 < points.len() { text x=(place(scale.x(index))) y=(HEIGHT - 10.0) text-anchor="middle" { (axis_day(point.start, hourly)) } }
            }
        }
    }
}

/// One decimal is finer than any screen.
fn place(value: f64) -> String {
    format!("{value:.1}")
}

fn band(points: &[PointView], scale: &Scale) -> String {
    let upper = points
        .iter()
        .enumerate()
        .map(|(index, point)| (scale.x(index), scale.y(point.high)));
    let lower = points
        .iter()
        .enumerate()
        .rev()
        .map(|(index, point)| (scale.x(index), scale.y(point.low)));
    let mut path = String::new();
    for (x, y) in upper.chain(lower) {
        let _ = write!(
            path,
            "{}{x:.1} {y:.1}",
            if path.is_empty() { "M" } else { "L" }
        );
    }
    path.push('Z');
    path
}

/// A line that breaks where there is no data.
fn line(values: impl Iterator<Item = Option<f64>>, scale: &Scale) -> String {
    let mut path = String::new();
    let mut drawing = false;
    for (index, value) in values.enumerate() {
        if let Some(value) = value {
            let _ = write!(
                path,
                "{}{:.1} {:.1}",
                if drawing { "L" } else { "M" },
                scale.x(index),
                scale.y(value)
            );
        }
        drawing = value.is_some();
    }
    path
}

/// The alert's own window, shaded.
fn window(points: &[PointView], alert: &AlertView, scale: &Scale) -> Markup {
    let (Some(start), Some(end)) = (
        parse_time(&alert.window.start),
        parse_time(&alert.window.end),
    ) else {
        return html! {};
    };
    let inside: Vec<usize> = (0..points.len())
        .filter(|index| points[*index].start >= start && points[*index].start < end)
        .collect();
    let (Some(first), Some(last)) = (inside.first(), inside.last()) else {
        return html! {};
    };
    let left = scale.x(*first) - scale.slot / 2.0;
    html! {
        rect.window x=(place(left)) y=(TOP) width=(place((last - first + 1) as f64 * scale.slot)) height=(HEIGHT - TOP - BOTTOM) { title { "The signal's window" } }
    }
}

/// Calendar marks: what else happened, as a dashed line with its words.
fn contexts(points: &[PointView], alert: &AlertView, scale: &Scale) -> Markup {
    let index_of = |at: Timestamp| {
        points
            .iter()
            .position(|point| point.start <= at && at < point.end)
    };
    html! {
        @for item in &alert.context {
            @if let Some(index) = parse_time(&item.start).and_then(index_of) {
                g.context { title { (item.label) }
                    line x1=(place(scale.x(index))) x2=(place(scale.x(index))) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
                    text x=(place(scale.x(index) - 4.0)) y=(TOP + 10.0) text-anchor="end" { (shortened(&item.label)) } }
            }
        }
    }
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= 28 {
        label.to_owned()
    } else {
        label.chars().take(27).chain(['…']).collect()
    }
}

fn mark(index: usize, point: &PointView, measure: &str, scale: &Scale) -> Markup {
    let x = scale.x(index);
    let Some(observed) = point.observed else {
        let left = x - scale.slot / 2.0;
        return html! {
            rect.no-data x=(place(left)) y=(TOP) width=(place(scale.slot)) height=(HEIGHT - TOP - BOTTOM) fill="url(#hatch)" { title { (axis_day(point.start, false)) ": no data" } }
        };
    };
    let y = scale.y(observed);
    let words = format!(
        "{}: {} against {} expected{}",
        axis_day(point.start, false),
        value(measure, observed),
        value(measure, point.expected),
        note(point)
    );
    let radius = (scale.slot * 0.3).clamp(1.4, 3.2);
    html! {
        g.mark { title { (words) }
            @if point.restated { rect.restated x=(place(x - 5.5)) y=(place(y - 5.5)) width="11" height="11" {} }
            @if point.partial { circle.partial cx=(place(x)) cy=(place(y)) r="4.5" {} }
            @else if point.outside() { path.outside d={ "M" (place(x)) " " (place(y - 5.0)) "l5 5-5 5-5-5z" } {} }
            @else { circle.inside cx=(place(x)) cy=(place(y)) r=(place(radius)) {} }
        }
    }
}

/// What a reader must know about a point.
fn note(point: &PointView) -> String {
    let marks = [
        (point.observed.is_none(), "no data"),
        (point.outside(), "outside the band"),
        (point.restated, "restated"),
        (point.partial, "not over yet"),
    ];
    marks
        .iter()
        .filter(|(applies, _)| *applies)
        .map(|(_, word)| format!(", {word}"))
        .collect()
}

fn legend(points: &[PointView]) -> Markup {
    let any = |test: fn(&PointView) -> bool| points.iter().any(test);
    html! {
        ul.legend aria-hidden="true" {
            (key(&html! { path.observed d="M1 8h22" {} circle.inside cx="12" cy="8" r="3" {} }, "observed"))
            (key(&html! { rect.band x="1" y="2" width="22" height="12" {} path.expected d="M1 8h22" {} }, "expected, with band"))
            (key(&html! { rect.window x="1" y="1" width="22" height="14" {} }, "signal's window"))
            @if any(PointView::outside) { (key(&html! { path.outside d="M12 3l5 5-5 5-5-5z" {} }, "outside the band")) }
            @if any(|point| point.restated) { (key(&html! { rect.restated x="6.5" y="2.5" width="11" height="11" {} circle.inside cx="12" cy="8" r="3" {} }, "restated by late feedback")) }
            @if any(|point| point.partial) { (key(&html! { circle.partial cx="12" cy="8" r="4.5" {} }, "not over yet")) }
            @if any(|point| point.observed.is_none()) { (key(&html! { rect.no-data x="1" y="1" width="22" height="14" fill="url(#hatch)" {} }, "no data (feed down)")) }
        }
    }
}

fn key(shape: &Markup, words: &str) -> Markup {
    html! { li { svg viewBox="0 0 24 16" width="24" height="16" focusable="false" { (shape) } " " (words) } }
}

/// The same numbers, newest first.
pub(super) fn table(recent: &Recent, measure: &str) -> Markup {
    let points = &recent.points;
    html! {
        @if !points.is_empty() {
            section #numbers aria-labelledby="numbers-title" data-live="numbers" {
                h2 #numbers-title { "The numbers behind the chart" }
                div.scroll.tall tabindex="0" role="region" aria-label="Numbers behind the chart" {
                    table {
                        thead { tr { th scope="col" { "Period from" } th scope="col" { "Observed" } th scope="col" { "Expected" } th scope="col" { "Band" } th scope="col" { "Note" } } }
                        tbody {
                            @for point in points.iter().rev() {
                                tr {
                                    th scope="row" { (time(point.start)) }
                                    td.number { (point.observed.map_or_else(|| "no data".to_owned(), |observed| value(measure, observed))) }
                                    td.number { (value(measure, point.expected)) }
                                    td.number { (value(measure, point.low)) " to " (value(measure, point.high)) }
                                    td { (note(point).trim_start_matches(", ")) }
                                }
                            }
                        }
                    }
                }
                p.hint { (number(points.len() as f64)) " periods." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[Option<f64>]) -> Vec<PointView> {
        let day = |index: usize| Timestamp(index as i64 * DAY);
        values
            .iter()
            .enumerate()
            .map(|(index, observed)| PointView {
                start: day(index),
                end: day(index + 1),
                observed: *observed,
                expected: 10.0,
                low: 5.0,
                high: 15.0,
                restated: index == 1,
                partial: false,
            })
            .collect()
    }

    #[test]
    fn the_line_breaks_where_there_is_no_data() {
        let points = points(&[Some(10.0), Some(12.0), None, Some(30.0)]);
        let scale = Scale::of(&points);
        let drawn = line(points.iter().map(|point| point.observed), &scale);
        assert_eq!(
            (drawn.matches('M').count(), drawn.matches('L').count()),
            (2, 1)
        );
    }

    #[test]
    fn every_value_lies_inside_the_drawing() {
        for largest in [0.0, 0.4, 1.0, 17.0, 41.0, 99.0, 1_234.5] {
            let top = nice(largest);
            assert!(
                top >= largest && top <= largest.max(0.1) * 10.0,
                "{largest} {top}"
            );
        }
    }

    #[test]
    fn table_and_chart_say_the_same_of_each_point() {
        let recent = Recent {
            points: points(&[Some(10.0), Some(12.0), None, Some(30.0)]),
            total: 4,
            unreadable: 0,
        };
        let shown = figure(&recent, &AlertView::default()).into_string()
            + &table(&recent, "mentions").into_string();
        for words in [
            "no data",
            "restated",
            "outside the band",
            "30 against 10 expected",
        ] {
            assert!(shown.contains(words), "{words}");
        }
    }
}
